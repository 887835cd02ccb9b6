using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace QbSync.Host.Commands.Demo;

/// <summary>What a demo's destination must hold, kept beside it so that it can be proved again.</summary>
/// <param name="OneFile">Names that are to be one file on disk; empty where none are.</param>
internal sealed record ProofRecord(string DataFolder, IReadOnlyList<ProofTorrent> Torrents, IReadOnlyList<string> OneFile)
{
    public const string FileName = "proof.json";

    public static ProofRecord Of(DemoTorrents torrents, string dataFolder, bool isLinked) => new(dataFolder, [.. torrents.All.Select(torrent => new ProofTorrent(
        torrent.Name,
        torrent.PieceLength,
        [.. torrent.Files.Select((file, i) => new ProofFile(file.Path, file.Length, torrent.FileHashes[i], file.IsSelected))],
        Convert.ToHexStringLower(torrent.PieceHashes)))], isLinked ? [torrents.LinkedFile, torrents.Linked.Files[0].Path] : []);

    public void Save(string folder) =>
        File.WriteAllText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, ProofJson.Default.ProofRecord));

    public static ProofRecord? Load(string folder) =>
        JsonSerializer.Deserialize(File.ReadAllText(Path.Combine(folder, FileName)), ProofJson.Default.ProofRecord);
}

internal sealed record ProofTorrent(string Name, int PieceLength, IReadOnlyList<ProofFile> Files, string PieceHashes);

internal sealed record ProofFile(string Path, long Length, string Sha256, bool IsSelected);

[JsonSerializable(typeof(ProofRecord))]
internal sealed partial class ProofJson : JsonSerializerContext;

/// <summary>
/// Compares a destination's folder with what was made: each file by SHA-256, each piece by the hash kept since it was made. Plain file reads; no code of
/// the storage package.
/// </summary>
internal static class IndependentProof
{
    /// <summary>Everything that is wrong, a line each; empty when the copy is proved.</summary>
    public static IReadOnlyList<string> FindFaults(ProofRecord record, string folder)
    {
        var data = Path.Combine(folder, record.DataFolder);
        List<string> faults = [];
        foreach (var torrent in record.Torrents)
        {
            foreach (var file in torrent.Files)
            {
                CheckFile(data, file, faults);
            }

            CheckPieces(data, torrent, faults);
        }

        var identities = record.OneFile.Select(path => HardLink.Identify(Path.Combine(data, path))).ToList();
        if (identities.Exists(identity => identity is null || identity != identities[0]))
        {
            faults.Add($"{string.Join(" and ", record.OneFile)}: not one file");
        }

        faults.AddRange(Directory.EnumerateFiles(data, "*.qbsync-part", SearchOption.AllDirectories).Select(path => $"{path}: left over"));
        return faults;
    }

    private static void CheckFile(string data, ProofFile file, List<string> faults)
    {
        var path = Path.Combine(data, file.Path);
        if (!file.IsSelected)
        {
            if (File.Exists(path))
            {
                faults.Add($"{file.Path}: was not selected, but is there");
            }

            return;
        }

        if (!File.Exists(path))
        {
            faults.Add($"{file.Path}: missing");
            return;
        }

        using var input = File.OpenRead(path);
        if (input.Length != file.Length)
        {
            faults.Add($"{file.Path}: {input.Length} bytes instead of {file.Length}");
        }
        else if (Convert.ToHexStringLower(SHA256.HashData(input)) != file.Sha256)
        {
            faults.Add($"{file.Path}: another SHA-256");
        }
    }

    private static void CheckPieces(string data, ProofTorrent torrent, List<string> faults)
    {
        var expected = Convert.FromHexString(torrent.PieceHashes);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        var buffer = new byte[64 * 1024];
        var (piece, inPiece, whole) = (0, 0, true);
        foreach (var file in torrent.Files)
        {
            var path = Path.Combine(data, file.Path);
            using var input = file.IsSelected && File.Exists(path) ? File.OpenRead(path) : null;
            for (var left = file.Length; left > 0;)
            {
                var part = buffer.AsSpan(0, (int)Math.Min(Math.Min(buffer.Length, left), torrent.PieceLength - inPiece));

                // A piece that lies partly in an unselected file cannot be read back here; its selected bytes are covered by the file's hash.
                whole &= input is not null && input.ReadAtLeast(part, part.Length, throwOnEndOfStream: false) == part.Length;
                hash.AppendData(part);
                inPiece += part.Length;
                left -= part.Length;
                if (inPiece == torrent.PieceLength)
                {
                    EndPiece();
                }
            }
        }

        if (inPiece > 0)
        {
            EndPiece();
        }

        void EndPiece()
        {
            var actual = hash.GetHashAndReset();
            if (whole && !expected.AsSpan(piece * 20, 20).SequenceEqual(actual))
            {
                faults.Add($"{torrent.Name}: piece {piece} has another hash");
            }

            (piece, inPiece, whole) = (piece + 1, 0, true);
        }
    }
}
