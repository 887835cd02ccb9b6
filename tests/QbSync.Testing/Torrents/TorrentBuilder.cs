using System.Text;

namespace QbSync.Testing.Torrents;

/// <summary>
/// Makes real torrents from a seed. Without <see cref="AddFile"/> a torrent of one file of <see cref="Length"/> bytes; else a folder of files.
/// Nothing is kept in memory but hashes: content is made again whenever it is asked for.
/// </summary>
public sealed class TorrentBuilder(string name)
{
    private readonly List<(string[] Path, long Length)> _files = [];

    public string Name { get; } = name;

    public TorrentVersion Version { get; init; } = TorrentVersion.V1;

    /// <summary>Bytes. v2 and hybrid: a power of two from 16 KiB.</summary>
    public int PieceLength { get; init; } = 256 * 1024;

    /// <summary>Bytes of the only file, where no file is added.</summary>
    public long Length { get; init; } = 1_000_003;

    public int Seed { get; init; } = 1;

    public bool IsPrivate { get; init; }

    public string? Tracker { get; init; }

    /// <summary>Aligns the files of a v1 torrent by pads (BEP 47); a hybrid one always does.</summary>
    public bool WithPads { get; init; }

    /// <summary>Whether the last file of a padded torrent has its pad, too.</summary>
    public bool WithTailPad { get; init; }

    /// <summary>Adds a file; v2 and hybrid torrents sort them.</summary>
    /// <param name="path">Below the torrent's folder, parts divided by slashes.</param>
    public TorrentBuilder AddFile(string path, long length)
    {
        _files.Add((path.Split('/'), length));
        return this;
    }

    public BuiltTorrent Build()
    {
        var torrent = BuildMap(out var files);
        return new BuiltTorrent(Name, BencodeWriter.Write(torrent), files);
    }

    /// <summary>The torrent before it is written, for tests that break it.</summary>
    public BencodeMap BuildMap() => BuildMap(out _);

    private BencodeMap BuildMap(out List<BuiltFile> files)
    {
        var isSingle = _files.Count == 0;
        List<(string[] Path, long Length)> sources = isSingle ? [([Name], Length)] : Version == TorrentVersion.V1 ? _files : [.. _files.Order(InTreeOrder)];
        files = [];
        foreach (var (path, length) in sources)
        {
            files.Add(new BuiltFile(isSingle ? path : [Name, .. path], length, new TorrentContent(Seed, files.Count)));
        }

        var info = new BencodeMap { { "name", Name }, { "piece length", PieceLength } };
        if (IsPrivate)
        {
            info.Add("private", 1);
        }

        var layers = new BencodeMap();
        if (Version != TorrentVersion.V1)
        {
            info.Add("meta version", 2);
            info.Add("file tree", BuildTree(files, isSingle ? 0 : 1, layers));
        }

        if (Version != TorrentVersion.V2)
        {
            AddList(info, files, isSingle);
        }

        var torrent = new BencodeMap { { "info", info } };
        if (Version != TorrentVersion.V1)
        {
            torrent.Add("piece layers", layers);
        }

        if (Tracker is not null)
        {
            torrent.Add("announce", Tracker);
        }

        return torrent;
    }

    private static readonly Comparer<(string[] Path, long Length)> InTreeOrder = Comparer<(string[] Path, long Length)>.Create((a, b) =>
    {
        for (var i = 0; i < Math.Min(a.Path.Length, b.Path.Length); i++)
        {
            var order = Encoding.UTF8.GetBytes(a.Path[i]).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b.Path[i]));
            if (order != 0)
            {
                return order;
            }
        }

        return a.Path.Length - b.Path.Length;
    });

    private BencodeMap BuildTree(List<BuiltFile> files, int skip, BencodeMap layers)
    {
        var tree = new BencodeMap();
        foreach (var file in files)
        {
            var folder = tree;
            foreach (var part in file.Path.Skip(skip))
            {
                var next = folder[part] as BencodeMap ?? [];
                folder[part] = next;
                folder = next;
            }

            var entry = new BencodeMap { { "length", file.Length } };
            folder.Add("", entry);
            if (file.Length > 0)
            {
                var (root, layer) = ContentHasher.HashTree(file, PieceLength);
                entry.Add("pieces root", root);
                if (layer.Length > 0)
                {
                    layers.Add(root, layer);
                }
            }
        }

        return tree;
    }

    private void AddList(BencodeMap info, List<BuiltFile> files, bool isSingle)
    {
        var pads = new List<long>();
        for (var i = 0; i < files.Count; i++)
        {
            var isPadded = !isSingle && (WithPads || Version == TorrentVersion.Hybrid) && (WithTailPad || i < files.Count - 1);
            pads.Add(isPadded ? (PieceLength - files[i].Length % PieceLength) % PieceLength : 0);
        }

        info.Add("pieces", ContentHasher.HashPieces(files, pads, PieceLength));
        if (isSingle)
        {
            info.Add("length", files[0].Length);
            return;
        }

        var list = new BencodeList();
        for (var i = 0; i < files.Count; i++)
        {
            list.Add(new BencodeMap { { "length", files[i].Length }, { "path", ToList(files[i].Path.Skip(1)) } });
            if (pads[i] > 0)
            {
                list.Add(new BencodeMap { { "attr", "p" }, { "length", pads[i] }, { "path", ToList([".pad", pads[i].ToString(System.Globalization.CultureInfo.InvariantCulture)]) } });
            }
        }

        info.Add("files", list);
    }

    private static BencodeList ToList(IEnumerable<string> parts)
    {
        var list = new BencodeList();
        list.AddRange(parts);
        return list;
    }
}
