using System.Buffers;
using QbSync.Pieces;
using QbSync.Storage.IO;

namespace QbSync.Storage.Pieces;

/// <summary>Where a run of reading finds the bytes of a torrent's files. One file at a time stays open; not thread-safe; who began the run disposes it.</summary>
internal sealed class ContentReader(IFileSystem files, Func<int, FileHandle?> open, Func<int, long?> findBoundary, Func<FileHandle?> openBoundary) : IDisposable
{
    /// <summary>Bytes read at once.</summary>
    public const int SliceLength = 256 * 1024;

    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(SliceLength);
    private FileHandle? _file;
    private FileHandle? _boundary;
    private int _fileIndex = -1;

    /// <summary>Bytes read so far.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Reads a piece and hashes it; bytes that are not there make it bad.</summary>
    public PieceVerdict Check(PieceHash expected, int piece, PieceScratch scratch, Predicate<int> isSelected)
    {
        scratch.Hasher.Begin(expected);
        foreach (var segment in scratch.Segments)
        {
            if (segment.IsPad)
            {
                scratch.Hasher.AppendZeros(segment.Length);
            }
            else if (!(isSelected(segment.FileIndex) ? AppendFile(segment, scratch.Hasher) : AppendBoundary(piece, segment, scratch.Hasher)))
            {
                return PieceVerdict.Bad;
            }
        }

        return scratch.Hasher.End();
    }

    /// <summary>Whether a file holds these bytes there.</summary>
    public bool Matches(int fileIndex, long offset, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length > 0; bytes = bytes[Math.Min(bytes.Length, SliceLength)..], offset += SliceLength)
        {
            var slice = _buffer.AsSpan(0, Math.Min(bytes.Length, SliceLength));
            if (OpenFile(fileIndex) is not { } file || files.Read(file, slice, offset) < slice.Length || !slice.SequenceEqual(bytes[..slice.Length]))
            {
                return false;
            }
        }

        return true;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _file?.Dispose();
        _boundary?.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
    }

    private bool AppendFile(in PieceSegment segment, PieceHasher hasher) =>
        OpenFile(segment.FileIndex) is { } file && Append(file, segment.FileOffset, segment.Length, hasher);

    private bool AppendBoundary(int piece, in PieceSegment segment, PieceHasher hasher)
    {
        _boundary ??= openBoundary();
        return _boundary is not null && findBoundary(piece) is { } offset && Append(_boundary, offset + segment.PieceOffset, segment.Length, hasher);
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
            BytesRead += slice.Length;
            offset += slice.Length;
            length -= slice.Length;
        }

        return true;
    }

    private FileHandle? OpenFile(int fileIndex)
    {
        if (_fileIndex != fileIndex)
        {
            _file?.Dispose();
            _file = open(fileIndex);
            _fileIndex = fileIndex;
        }

        return _file;
    }
}
