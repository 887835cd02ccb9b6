using System.Buffers.Binary;
using QbSync.Testing.Torrents;

namespace QbSync.Testing.Clients;

/// <summary>libtorrent's part file, written by its rules and by nothing of ours: big-endian u32 of pieces, piece length and slots, padded to 1024, then slots.</summary>
public static class PartFileContent
{
    /// <summary>The file that holds these pieces whole, in this order.</summary>
    public static byte[] Of(BuiltTorrent torrent, IReadOnlyList<int> pieces)
    {
        var manifest = torrent.Manifest;
        var header = ((2 + manifest.PieceCount) * 4 + 1023) / 1024 * 1024;
        var file = new byte[header + pieces.Count * manifest.PieceLength];
        BinaryPrimitives.WriteInt32BigEndian(file, manifest.PieceCount);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4), manifest.PieceLength);
        file.AsSpan(8, manifest.PieceCount * 4).Fill(0xff);
        for (var slot = 0; slot < pieces.Count; slot++)
        {
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(8 + pieces[slot] * 4), slot);
            torrent.ReadPiece(pieces[slot]).CopyTo(file.AsSpan(header + slot * manifest.PieceLength));
        }

        return file;
    }
}
