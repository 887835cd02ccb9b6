using System.Text.Json;
using System.Text.Json.Serialization;
using QbSync.Ports;

namespace QbSync.Transport.Security;

/// <summary>
/// The file of peers: JSON for people to read. Strict: a grant that this build does not know must not be taken for one that allows everything, so whatever is
/// not understood makes the whole file unusable.
/// </summary>
internal static class PeersFormat
{
    private const int Version = 1;

    public static byte[] Write(IReadOnlyList<Peer> peers) => JsonSerializer.SerializeToUtf8Bytes(
        new PeersDocument { Version = Version, Peers = [.. peers.Select(ToEntry)] }, PeersJson.Default.PeersDocument);

    /// <exception cref="TrustException">The content is not what such a file holds.</exception>
    public static IReadOnlyList<Peer> Read(string path, ReadOnlySpan<byte> content)
    {
        PeersDocument document;
        try
        {
            document = JsonSerializer.Deserialize(content, PeersJson.Default.PeersDocument) ?? throw Malformed(path, "it says null");
        }
        catch (JsonException e)
        {
            throw Malformed(path, e.Message, e);
        }

        if (document.Version != Version)
        {
            throw Malformed(path, $"its version is {document.Version}, and this build knows {Version}");
        }

        var peers = document.Peers.ConvertAll(entry => ToPeer(path, entry));
        return peers.DistinctBy(static peer => peer.Id).Count() == peers.Count ? peers : throw Malformed(path, "a peer is there twice");
    }

    private static PeerEntry ToEntry(Peer peer) => new()
    {
        Id = peer.Id.ToString(),
        Name = peer.Name,
        Address = peer.Address,
        Added = peer.AddedAt,
        Roots = peer.Grants.Roots,
        Categories = peer.Grants.Categories,
        Quota = peer.Grants.Quota,
        Rate = peer.Grants.Rate,
        MayStart = peer.Grants.MayStart,
        MayDelete = peer.Grants.MayDelete,
    };

    private static Peer ToPeer(string path, PeerEntry entry)
    {
        if (!NodeId.TryParse(entry.Id, out var id))
        {
            throw Malformed(path, $"\"{entry.Id}\" is no node id");
        }

        if (entry.Quota < 0 || entry.Rate < 0)
        {
            throw Malformed(path, $"a grant of {entry.Id} is negative");
        }

        return new Peer(id, Peer.ToName(entry.Name))
        {
            Address = entry.Address,
            AddedAt = entry.Added,
            Grants = new PeerGrants
            {
                Roots = entry.Roots,
                Categories = entry.Categories,
                Quota = entry.Quota,
                Rate = entry.Rate,
                MayStart = entry.MayStart,
                MayDelete = entry.MayDelete,
            },
        };
    }

    private static TrustException Malformed(string path, string what, Exception? error = null) =>
        new(TrustFault.Malformed, path, $"{path} does not parse: {what}", error);
}

/// <summary>The file as a whole.</summary>
internal sealed class PeersDocument
{
    public required int Version { get; set; }

    public required List<PeerEntry> Peers { get; set; }
}

/// <summary>A peer in the file.</summary>
internal sealed class PeerEntry
{
    public required string Id { get; set; }

    public string Name { get; set; } = "";

    public string? Address { get; set; }

    public DateTimeOffset Added { get; set; }

    public IReadOnlyList<string>? Roots { get; set; }

    public IReadOnlyList<string>? Categories { get; set; }

    public long? Quota { get; set; }

    public long? Rate { get; set; }

    public bool MayStart { get; set; } = true;

    public bool MayDelete { get; set; } = true;
}

/// <summary>Reads and writes it without reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false,
    WriteIndented = true)]
[JsonSerializable(typeof(PeersDocument))]
[JsonSerializable(typeof(PairingDocument))]
internal sealed partial class PeersJson : JsonSerializerContext;
