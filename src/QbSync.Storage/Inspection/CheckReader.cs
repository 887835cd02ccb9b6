using System.Buffers.Binary;
using QbSync.Pieces;
using QbSync.Storage.IO;
using QbSync.Storage.Pieces;

namespace QbSync.Storage.Inspection;

/// <summary>Reads the bytes of pieces for a check and remembers of each file how that went. One file is open at a time. Not thread-safe.</summary>
internal sealed class CheckReader(IFileSystem files, RootDirectory root, CheckedContent content, bool dropsCache) : IDisposable
{
    private const int SliceLength = 256 * 1024;
    private readonly byte[] _buffer = new byte[SliceLength];
    private readonly Dictionary<int, FileLook> _looks = [];
    private FileHandle? _file;
    private FileHandle? _boundary;
    private int _fileIndex = -1;

    /// <summary>What was seen of a file; it is looked at now if no piece of it was read.</summary>
    public FileLook Look(int fileIndex)
    {
        if (!_looks.ContainsKey(fileIndex))
        {
            Open(fileIndex);
        }

        return _looks[fileIndex];
    }

    /// <summary>Feeds a piece to a hasher; false when bytes of it are not there or cannot be read.</summary>
    public bool Append(int piece, IReadOnlyList<PieceSegment> segments, PieceHasher hasher, CancellationToken cancellationToken)
    {
        var isWhole = true;
        foreach (var segment in segments)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (segment.IsPad)
            {
                hasher.AppendZeros(segment.Length);
            }
            else if (content.Selection.IsSelected(segment.FileIndex))
            {
                // The others are read all the same: it would show late that one of them cannot be.
                isWhole &= AppendFile(segment, hasher);
            }
            else
            {
                isWhole &= AppendNeighbour(piece, segment, hasher);
            }
        }

        return isWhole;
    }

    public void Dispose()
    {
        _file?.Dispose();
        _boundary?.Dispose();
    }

    private bool AppendFile(in PieceSegment segment, PieceHasher hasher)
    {
        if (Open(segment.FileIndex) is not { } file)
        {
            return false;
        }

        try
        {
            return Append(file, segment.FileOffset, segment.Length, hasher);
        }
        catch (StorageException failure)
        {
            _looks[segment.FileIndex] = _looks[segment.FileIndex] with { Failure = failure };
            return false;
        }
    }

    /// <summary>Bytes of an unselected file are in the boundary file; a file that happens to be there with all of them does as well.</summary>
    private bool AppendNeighbour(int piece, in PieceSegment segment, PieceHasher hasher)
    {
        try
        {
            return FindSlot(piece) is { } slot
                ? Append(_boundary!, slot + segment.PieceOffset, segment.Length, hasher)
                : Open(segment.FileIndex) is { } file && Append(file, segment.FileOffset, segment.Length, hasher);
        }
        catch (StorageException)
        {
            return false;
        }
    }

    private bool Append(FileHandle file, long offset, int length, PieceHasher hasher)
    {
        while (length > 0)
        {
            var slice = _buffer.AsSpan(0, Math.Min(length, SliceLength));
            if (files.Read(file, slice, offset) < slice.Length)
            {
                return false;
            }

            hasher.Append(slice);
            offset += slice.Length;
            length -= slice.Length;
        }

        return true;
    }

    /// <summary>First byte of a piece in the boundary file; null when it is not there.</summary>
    private long? FindSlot(int piece)
    {
        if (content.BoundaryFile is null)
        {
            return null;
        }

        if (_boundary is null)
        {
            using var folder = files.OpenRoot(Path.GetDirectoryName(content.BoundaryFile)!);
            _boundary = folder is null ? null : files.OpenFile(folder, Path.GetFileName(content.BoundaryFile), writable: false);
        }

        Span<byte> number = stackalloc byte[sizeof(uint)];
        var manifest = content.Manifest;
        return _boundary is not null && files.Read(_boundary, number, (2L + piece) * sizeof(uint)) == number.Length
            && BinaryPrimitives.ReadUInt32BigEndian(number) is var slot && slot < manifest.PieceCount
                ? BoundaryFile.GetHeaderLength(manifest.PieceCount) + ((long)slot * manifest.PieceLength)
                : null;
    }

    private FileHandle? Open(int fileIndex)
    {
        if (_fileIndex == fileIndex)
        {
            return _file;
        }

        _file?.Dispose();
        (_file, _fileIndex) = (null, fileIndex);
        var isFirst = !_looks.ContainsKey(fileIndex);
        try
        {
            var parts = content.FileNames[fileIndex];
            using var folder = parts.Count == 0 ? null : root.OpenFolder([.. parts.SkipLast(1)]);
            _file = folder is null ? null : files.OpenFile(folder, parts[^1], writable: false);
            _looks[fileIndex] = new FileLook(_file is not null, _file is null ? 0 : files.Stat(_file).Length, _looks.GetValueOrDefault(fileIndex)?.Failure);
            if (_file is not null && isFirst && dropsCache)
            {
                files.DropCache(_file);
            }
        }
        catch (StorageException failure)
        {
            _looks[fileIndex] = new FileLook(true, 0, failure);
        }

        return _file;
    }
}

/// <summary>What was seen of a file.</summary>
/// <param name="Failure">Why it could not be opened or read; null when it could.</param>
internal sealed record FileLook(bool IsThere, long Length, StorageException? Failure);
