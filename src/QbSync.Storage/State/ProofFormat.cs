using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Storage.State;

/// <summary>
/// A proof as a file: JSON that people can read, then a line with the SHA-256 of all before it. That number is the proof's name. Pure.
/// </summary>
internal static class ProofFormat
{
    private const int Version = 1;
    private const int LastLineLength = (2 * SHA256.HashSizeInBytes) + 1;

    /// <summary>The file, and its name.</summary>
    public static (ReadOnlyMemory<byte> Content, ReadOnlyMemory<byte> Id) Write(ProofContent proof)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            Write(json, proof);
        }

        bytes.Write("\n"u8);
        var id = SHA256.HashData(bytes.WrittenSpan);
        bytes.Write(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(id) + "\n"));
        return (bytes.WrittenMemory, id);
    }

    /// <summary>Reads what counts of a proof; null when it is damaged, of another torrent, or of a form that this build does not know.</summary>
    public static StoredProof? Read(ReadOnlyMemory<byte> content, InfoHash torrent)
    {
        if (content.Length <= LastLineLength)
        {
            return null;
        }

        var body = content[..^LastLineLength];
        var id = SHA256.HashData(body.Span);
        if (!content.Span[^LastLineLength..].SequenceEqual(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(id) + "\n")))
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(body);
            var root = json.RootElement;
            return root.GetProperty("version").GetInt32() == Version && root.GetProperty("torrent").GetString() == torrent.ToString()
                ? new StoredProof(id, Convert.FromHexString(root.GetProperty("manifest").GetString()!), root.GetProperty("bytesReadBack").GetInt64())
                : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException or KeyNotFoundException or ArgumentNullException)
        {
            return null;
        }
    }

    private static void Write(Utf8JsonWriter json, ProofContent proof)
    {
        var manifest = proof.Request.Manifest;
        json.WriteStartObject();
        json.WriteNumber("version", Version);
        json.WriteString("torrent", manifest.Id.ToString());
        WriteHash(json, "v1", manifest.V1);
        WriteHash(json, "v2", manifest.V2);
        json.WriteString("manifest", Convert.ToHexStringLower(manifest.InfoDigest.Span));
        json.WriteString("selection", Convert.ToHexStringLower(proof.Request.Selection.Fingerprint(manifest.Id)));
        json.WriteNumber("selectedFiles", proof.Request.Selection.SelectedCount);
        json.WriteString("node", proof.Seal.Node);
        json.WriteString("incarnation", proof.Incarnation.ToString("x16", CultureInfo.InvariantCulture));
        json.WriteNumber("epoch", proof.Epoch);
        json.WriteString("sealedAt", proof.SealedAt);
        json.WriteNumber("bytesReadBack", proof.BytesReadBack);
        json.WriteStartObject("client");
        json.WriteString("product", proof.Seal.ClientProduct);
        json.WriteString("id", proof.Seal.ClientId);
        json.WriteString("state", proof.Seal.Client.State.ToString());
        json.WriteNumber("progress", double.IsFinite(proof.Seal.Client.Progress) ? proof.Seal.Client.Progress : 0);
        json.WriteNumber("bytesLeft", proof.Seal.Client.BytesLeft);
        json.WriteString("seenAt", proof.Seal.Client.SeenAt);
        json.WriteEndObject();
        json.WriteStartArray("files");
        foreach (var file in proof.Files)
        {
            Write(json, file);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ProofFile file)
    {
        json.WriteStartObject();
        json.WriteNumber("index", file.Index);
        json.WriteString("path", file.Path);
        json.WriteString("kind", file.Record.Kind.ToString());
        json.WriteNumber("size", file.Record.Length);
        json.WriteNumber("device", file.Record.Device);
        json.WriteNumber("inode", file.Record.Inode);
        json.WriteNumber("mtime", file.Record.ModifiedNanoseconds);
        if (file.ReadBackAt is { } at)
        {
            json.WriteString("readBackAt", at);
        }

        json.WriteEndObject();
    }

    private static void WriteHash(Utf8JsonWriter json, string name, InfoHash hash)
    {
        if (hash.Length > 0)
        {
            json.WriteString(name, hash.ToString());
        }
    }
}
