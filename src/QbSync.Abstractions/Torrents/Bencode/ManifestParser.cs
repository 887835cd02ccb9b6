using System.Numerics;
using System.Security.Cryptography;

namespace QbSync.Torrents.Bencode;

/// <summary>Reads a <c>.torrent</c> into a <see cref="TorrentManifest"/>: v1, hybrid and v2 (BEP 3, 47, 52). Total: a manifest or a <see cref="TorrentFormatException"/>.</summary>
internal static class ManifestParser
{
    private static readonly string[] RootKeys = ["info", "piece layers"];

    private static readonly string[] InfoKeys =
        ["name", "name.utf-8", "piece length", "pieces", "files", "length", "file tree", "meta version", "private", "attr"];

    public static TorrentManifest Parse(ReadOnlyMemory<byte> torrent, ManifestLimits limits)
    {
        var data = torrent.Span;
        BencodeStructure.Check(data, limits);
        Span<int> root = stackalloc int[RootKeys.Length];
        var reader = new BencodeReader(data);
        reader.ReadDictionary(RootKeys, root);
        if (root[0] < 0)
        {
            throw Malformed("it has no info dictionary");
        }

        var info = new BencodeReader(data, root[0]);
        Span<int> fields = stackalloc int[InfoKeys.Length];
        info.ReadDictionary(InfoKeys, fields);
        return new Draft(torrent, limits, root[1], root[0]..info.Position, fields).Build();
    }

    internal static TorrentFormatException Malformed(string what) => new(TorrentFormatReason.Malformed, $"The torrent is malformed: {what}.");

    internal static TorrentFormatException TooLarge(string what, long limit) =>
        new(TorrentFormatReason.TooLarge, $"The torrent is too large: more than {limit} {what}.");

    private static TorrentFormatException Inconsistent(string what) =>
        new(TorrentFormatReason.Inconsistent, $"The v1 and v2 parts of the torrent differ: {what}.");

    private readonly ref struct Draft
    {
        private readonly ReadOnlySpan<byte> _data;
        private readonly ManifestLimits _limits;
        private readonly int _layers, _name, _pieceLength, _pieces, _files, _length, _tree, _version, _private, _attributes;
        private readonly Range _info;

        public Draft(ReadOnlyMemory<byte> torrent, ManifestLimits limits, int layers, Range info, ReadOnlySpan<int> fields)
        {
            _data = torrent.Span;
            (_limits, _layers, _info) = (limits, layers, info);
            (_name, _pieceLength, _pieces, _files) = (fields[1] >= 0 ? fields[1] : fields[0], fields[2], fields[3], fields[4]);
            (_length, _tree, _version, _private, _attributes) = (fields[5], fields[6], fields[7], fields[8], fields[9]);
        }

        public TorrentManifest Build()
        {
            var isV2 = ReadVersion();
            var isV1 = !isV2 || _files >= 0 || _length >= 0;
            var pieceLength = ReadPieceLength(isV2);
            var raw = _data[_info];
            var v1 = isV1 ? InfoHash.FromBytes(SHA1.HashData(raw)) : InfoHash.None;
            var digest = SHA256.HashData(raw);
            var v2 = isV2 ? InfoHash.FromBytes(digest) : InfoHash.None;
            var name = _name < 0 ? throw Malformed("it has no name") : NameSanitizer.Sanitize(_data[new BencodeReader(_data, _name).ReadBytes()]);
            name ??= (isV1 ? v1 : v2).ToString();
            var (tree, isSingle) = isV2 ? FileTreeReader.Read(_data, _tree, _limits) : ([], false);
            var entries = isV1 ? FileListReader.Read(_data, _files, _length, _attributes, name, _limits) : tree;
            var hasFolder = isV1 ? _files >= 0 : !isSingle;
            if (isV1 && isV2)
            {
                Match(entries, tree, pieceLength, inFolder: hasFolder);
            }

            var paths = new List<string[]>(entries.Count);
            foreach (var entry in entries)
            {
                paths.Add(hasFolder ? [name, .. entry.Path] : entry.Path);
            }

            NameCollisions.Resolve(paths, entries);
            var files = Lay(entries, paths, pieceLength, isAligned: !isV1, out var pieceCount);
            PathRules.Require(files);
            var v1Hashes = isV1 ? ReadPieces(pieceCount) : default;
            var layers = isV2 ? PieceLayersReader.Read(_data, _layers, files, pieceLength) : [];
            return new TorrentManifest(name, pieceLength, pieceCount, files, v1, v2, digest, ReadPrivate(), v1Hashes, layers);
        }

        /// <summary>The v1 list without its pads must be the v2 list, each file at a piece's start. A missing tail pad changes neither.</summary>
        private static void Match(List<ManifestEntry> list, List<ManifestEntry> tree, int pieceLength, bool inFolder)
        {
            var offset = 0L;
            var next = 0;
            for (var i = 0; i < list.Count; i++)
            {
                var entry = list[i];
                var start = offset;
                offset += entry.Length;
                if (entry.IsPad)
                {
                    continue;
                }

                var path = string.Join('/', entry.Path);
                if (next == tree.Count || !tree[next].Describes(entry))
                {
                    throw Inconsistent($"file {path} of the list is not file {next} of the tree");
                }

                if (entry.Length > 0 && start % pieceLength != 0)
                {
                    throw Inconsistent($"file {path} does not start at a piece");
                }

                list[i] = entry with { Root = tree[next++].Root };
            }

            if (next < tree.Count)
            {
                throw Inconsistent($"file {next} of the tree is not in the list{(inFolder ? "" : " of one file")}");
            }
        }

        private TorrentFile[] Lay(List<ManifestEntry> entries, List<string[]> paths, int pieceLength, bool isAligned, out int pieceCount)
        {
            // One array for all roots: half a million small ones would weigh more than the files.
            var roots = new byte[entries.Count(static entry => !entry.Root.Equals(default)) * 32];
            var used = 0;
            var files = new TorrentFile[entries.Count];
            long offset = 0, end = 0, content = 0;
            for (var i = 0; i < files.Length; i++)
            {
                var entry = entries[i];
                if (entry.Length > _limits.MaxLength - content)
                {
                    throw TooLarge("bytes", _limits.MaxLength);
                }

                content += entry.Length;
                ReadOnlyMemory<byte> root = default;
                if (!entry.Root.Equals(default))
                {
                    _data[entry.Root].CopyTo(roots.AsSpan(used));
                    root = roots.AsMemory(used, 32);
                    used += 32;
                }

                files[i] = new TorrentFile(i, paths[i], entry.Length, offset, entry.IsPad, entry.IsSymlink, root);
                end = entry.Length > 0 ? offset + entry.Length : end;
                offset += isAligned ? RoundUp(entry.Length, pieceLength) : entry.Length;
            }

            var pieces = RoundUp(end, pieceLength) / pieceLength;
            pieceCount = pieces <= _limits.MaxPieces ? (int)pieces : throw TooLarge("pieces", _limits.MaxPieces);
            return files;
        }

        private static long RoundUp(long value, int unit) => (value + unit - 1) / unit * unit;

        private bool ReadVersion()
        {
            var version = _version < 0 ? 1 : new BencodeReader(_data, _version).ReadInteger();
            if (version > 2)
            {
                throw new TorrentFormatException(TorrentFormatReason.Unsupported, $"The torrent is of meta version {version}; 1 and 2 are known.");
            }

            return (version == 2, _tree >= 0) switch
            {
                (true, false) => throw Malformed("it is of meta version 2 and has no file tree"),
                (false, true) => throw Malformed("it has a file tree and is not of meta version 2"),
                (var isV2, _) => isV2,
            };
        }

        private int ReadPieceLength(bool isV2)
        {
            var length = _pieceLength < 0 ? throw Malformed("it has no piece length") : new BencodeReader(_data, _pieceLength).ReadInteger();
            if (length > _limits.MaxPieceLength)
            {
                throw TooLarge("bytes a piece", _limits.MaxPieceLength);
            }

            return length < 1 || (isV2 && (length < MerkleTree.BlockLength || !BitOperations.IsPow2(length)))
                ? throw Malformed($"pieces of {length} bytes are not possible")
                : (int)length;
        }

        private byte[] ReadPieces(int pieceCount)
        {
            var pieces = _pieces < 0 ? throw Malformed("it has no piece hashes") : _data[new BencodeReader(_data, _pieces).ReadBytes()];
            return pieces.Length == pieceCount * 20L
                ? pieces.ToArray()
                : throw Malformed($"{pieces.Length} bytes of hashes do not fit {pieceCount} pieces");
        }

        private bool ReadPrivate() => _private >= 0 && new BencodeReader(_data, _private).ReadInteger() != 0;
    }
}
