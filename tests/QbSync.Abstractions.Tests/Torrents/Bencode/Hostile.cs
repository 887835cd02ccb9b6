using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Tests.Torrents.Bencode;

/// <summary>Torrents written by hand, right but for what a test changes.</summary>
internal static class Hostile
{
    public static BencodeMap SingleInfo() => new()
    {
        { "name", "file.bin" },
        { "piece length", 16_384 },
        { "length", 20_000 },
        { "pieces", new byte[40] },
    };

    public static BencodeMap MultiInfo(params BencodeMap[] files)
    {
        var list = new BencodeList();
        list.AddRange(files);
        var length = files.Sum(file => file["length"] is int bytes and > 0 ? bytes : 0);
        return new BencodeMap
        {
            { "name", "folder" },
            { "piece length", 16_384 },
            { "files", list },
            { "pieces", new byte[(length + 16_383) / 16_384 * 20] },
        };
    }

    public static BencodeMap File(int length, params object[] path) => new() { { "length", length }, { "path", List(path) } };

    public static BencodeList List(params object[] items)
    {
        var list = new BencodeList();
        list.AddRange(items);
        return list;
    }

    public static byte[] Torrent(object info) => BencodeWriter.Write(new BencodeMap { { "info", info } });

    public static TorrentManifest Parse(object info) => TorrentManifest.Parse(Torrent(info));

    /// <summary>The last file's path, parts joined by bars so that a slash in a part would show.</summary>
    public static string PathOf(params object[] path) => string.Join('|', Parse(MultiInfo(File(1, path))).Files[0].Path.Skip(1));
}
