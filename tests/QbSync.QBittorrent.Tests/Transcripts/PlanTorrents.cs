using QbSync.Testing.Torrents;

namespace QbSync.QBittorrent.Tests.Transcripts;

/// <summary>The torrents that the plan names: generated, so that their hashes are the same in each recording.</summary>
internal sealed class PlanTorrents
{
    private const int PieceLength = 16 * 1024;

    private readonly Dictionary<string, BuiltTorrent> _torrents = new()
    {
        ["v1"] = Several(TorrentVersion.V1, "recorded", 11),
        ["hybrid"] = Several(TorrentVersion.Hybrid, "recorded-hybrid", 12),
        ["v2"] = Several(TorrentVersion.V2, "recorded-v2", 13),
        ["tracked"] = new TorrentBuilder("recorded-tracked")
        {
            Seed = 14,
            PieceLength = PieceLength,
            Length = 50_000,
            IsPrivate = true,
            Tracker = "http://127.0.0.1:1/0123456789abcdef/announce",
        }.Build(),
        ["missing"] = Several(TorrentVersion.V1, "recorded-missing", 15),
    };

    public BuiltTorrent this[string name] => _torrents[name];

    /// <summary>What is uploaded under a name; <c>garbage</c> is no torrent.</summary>
    public byte[] Bytes(string name) => name == "garbage" ? "no torrent at all"u8.ToArray() : _torrents[name].Bytes;

    /// <summary>Ids as a client gives them, and other forms of the hashes.</summary>
    /// <param name="byV2">Whether torrents that have a v2 hash go by it, cut to 40 digits.</param>
    public Dictionary<string, string> Ids(bool byV2)
    {
        var ids = _torrents.ToDictionary(static item => $"{{{item.Key}}}", item =>
        {
            var manifest = item.Value.Manifest;
            return (byV2 || manifest.V1.Length == 0) && manifest.V2.Length > 0 ? manifest.V2.ToString()[..40] : manifest.V1.ToString();
        });
        ids["{unknown}"] = new string('0', 39) + "1";
        ids["{hybrid-v1}"] = _torrents["hybrid"].Manifest.V1.ToString();
        ids["{hybrid-v2}"] = _torrents["hybrid"].Manifest.V2.ToString()[..40];
        ids["{v2-whole}"] = _torrents["v2"].Manifest.V2.ToString();
        return ids;
    }

    private static BuiltTorrent Several(TorrentVersion version, string name, int seed) =>
        new TorrentBuilder(name) { Seed = seed, Version = version, PieceLength = PieceLength }
            .AddFile("a.bin", 20_000).AddFile("sub/b.bin", 40_000).AddFile("sub/ünïcode ☃", 50_000).AddFile("empty", 0).Build();
}
