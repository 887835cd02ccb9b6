using System.Buffers;
using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

/// <summary>
/// The table of libtorrent's part file, where it keeps bytes of boundary pieces that belong to unselected files: big-endian u32 of piece count, piece
/// length, and a slot per piece; slots follow at the next multiple of 1024. Immutable.
/// </summary>
internal sealed class PartFileHeader
{
    private const uint NoSlot = 0xffffffff;
    private readonly uint[]? _slots;

    private PartFileHeader(long modified, uint[]? slots)
    {
        Modified = modified;
        _slots = slots;
    }

    /// <summary>Modification time of the file when this was read; libtorrent writes the table minutes after the bytes.</summary>
    public long Modified { get; }

    /// <summary>Where the bytes of a piece begin, or -1 when the file has none of it, or is of another torrent.</summary>
    public long GetOffset(TorrentManifest manifest, int piece) =>
        _slots is null || _slots[piece] == NoSlot ? -1 : GetLength(manifest.PieceCount) + _slots[piece] * (long)manifest.PieceLength;

    /// <summary>Reads it; a file of another piece count or length has no slots.</summary>
    public static PartFileHeader Read(SafeFileHandle handle, long modified, TorrentManifest manifest)
    {
        var length = (2 + manifest.PieceCount) * 4;
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            var header = buffer.AsSpan(0, length);
            for (var read = 0; read < length;)
            {
                var count = RandomAccess.Read(handle, header[read..], read);
                if (count == 0)
                {
                    return new PartFileHeader(modified, null);
                }

                read += count;
            }

            if (BinaryPrimitives.ReadUInt32BigEndian(header) != manifest.PieceCount
                || BinaryPrimitives.ReadUInt32BigEndian(header[4..]) != manifest.PieceLength)
            {
                return new PartFileHeader(modified, null);
            }

            var slots = new uint[manifest.PieceCount];
            for (var i = 0; i < slots.Length; i++)
            {
                slots[i] = BinaryPrimitives.ReadUInt32BigEndian(header[(8 + i * 4)..]);
            }

            return new PartFileHeader(modified, slots);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static long GetLength(int pieceCount) => ((2 + pieceCount) * 4L + 1023) / 1024 * 1024;
}
