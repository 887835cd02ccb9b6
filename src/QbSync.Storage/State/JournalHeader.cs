using System.Buffers.Binary;
using QbSync.Torrents;

namespace QbSync.Storage.State;

/// <summary>First bytes of a journal: what it is, and the torrent whose geometry it belongs to. Little-endian; the last field checks the others.</summary>
/// <param name="Id">The torrent.</param>
/// <param name="TotalLength">Bytes of its piece space.</param>
/// <param name="PieceLength">Bytes of a piece.</param>
/// <param name="Pieces">Number of pieces.</param>
/// <param name="Files">Number of files, pads included.</param>
/// <param name="Generation">Rises with each rewriting; part of every record's checksum, so no old record reads as a new one.</param>
internal readonly record struct JournalHeader(InfoHash Id, long TotalLength, int PieceLength, int Pieces, int Files, ulong Generation)
{
    /// <summary>Bytes of a header.</summary>
    public const int Length = 72;

    private const ushort Version = 1;
    private const ushort SessionKind = 1;
    private const ushort RegistryKind = 2;

    /// <summary>The header of a first journal of links, which belongs to no torrent.</summary>
    public static JournalHeader Registry { get; } = new(InfoHash.None, 0, 0, 0, 0, 1) { Kind = RegistryKind };

    /// <summary>What the journal is about.</summary>
    private ushort Kind { get; init; } = SessionKind;

    /// <summary>The header of a torrent's first journal.</summary>
    public static JournalHeader Of(TorrentManifest manifest) =>
        new(manifest.Id, manifest.Length, manifest.PieceLength, manifest.PieceCount, manifest.Files.Count, 1);

    /// <summary>Writes <see cref="Length"/> bytes.</summary>
    public void WriteTo(Span<byte> bytes)
    {
        bytes[..Length].Clear();
        "QBSJ"u8.CopyTo(bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[4..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[6..], Kind);
        Id.CopyTo(bytes[8..]);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[40..], TotalLength);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[48..], PieceLength);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[52..], Pieces);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[56..], Files);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[60..], Generation);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[68..], Checksum.Append(0, bytes[..68]));
    }

    /// <summary>Whether these first bytes of a file are the header of a journal that a newer build wrote.</summary>
    public static bool IsNewer(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= Length && bytes.StartsWith("QBSJ"u8) && BinaryPrimitives.ReadUInt32LittleEndian(bytes[68..]) == Checksum.Append(0, bytes[..68])
        && BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]) > Version;

    /// <summary>Reads a header that must be this torrent's, whatever its generation; null when it is damaged or another's.</summary>
    /// <exception cref="StorageException"><see cref="StorageFault.NewerState"/> for a version that this build does not know.</exception>
    public JournalHeader? ReadMatching(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Length || !bytes.StartsWith("QBSJ"u8)
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[68..]) != Checksum.Append(0, bytes[..68]))
        {
            return null;
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]) > Version)
        {
            throw new StorageException(StorageFault.NewerState, Kind == RegistryKind
                ? "The journal of links was written by a newer version; run that one."
                : $"The state of torrent {Id} was written by a newer version; run that one.");
        }

        var found = this with { Generation = BinaryPrimitives.ReadUInt64LittleEndian(bytes[60..]) };
        Span<byte> expected = stackalloc byte[Length];
        found.WriteTo(expected);
        return expected.SequenceEqual(bytes[..Length]) ? found : null;
    }
}
