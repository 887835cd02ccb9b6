using System.Buffers.Binary;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

/// <summary>
/// Bytes of unselected files that share a piece with selected ones, in libtorrent's part file format, so that giving it to the client is a copy: number of pieces,
/// piece length, then per piece its slot, all big-endian, padded to 1024; slots of a piece length each. Thread-safe.
/// </summary>
internal sealed class BoundaryFile : CachedFile
{
    private const uint NoSlot = uint.MaxValue;
    private readonly Lock _gate = new();
    private readonly TorrentStorage _owner;
    private readonly StorageContext _context;
    private readonly SessionFolder _folder;
    private readonly int _pieceLength;
    private readonly int _pieces;
    private readonly Dictionary<int, uint> _slots = [];
    private readonly List<int> _unwritten = [];
    private uint _nextSlot;

    public BoundaryFile(TorrentStorage owner, StorageContext context, SessionFolder folder)
        : base(context.Handles, context.Files)
    {
        _owner = owner;
        _context = context;
        _folder = folder;
        _pieceLength = owner.Request.Manifest.PieceLength;
        _pieces = owner.Request.Manifest.PieceCount;
    }

    /// <summary>First byte of the first slot.</summary>
    public static long GetHeaderLength(int pieces) => ((2L + pieces) * sizeof(uint) + 1023) / 1024 * 1024;

    /// <summary>Where a piece's bytes are, or null when it has no slot.</summary>
    public long? GetOffset(int piece)
    {
        lock (_gate)
        {
            return _slots.TryGetValue(piece, out var slot) ? SlotOffset(slot) : null;
        }
    }

    /// <summary>Bytes up to the end of the last slot.</summary>
    public long GetLength()
    {
        lock (_gate)
        {
            return SlotOffset(_nextSlot);
        }
    }

    /// <summary>Reads the slots of an existing file; false when there is none, or it is not this torrent's.</summary>
    public bool TryLoad()
    {
        using var folder = _folder.Open();
        using var file = Files.OpenFile(folder, SessionFolder.BoundaryName, writable: false);
        var header = new byte[GetHeaderLength(_pieces)];
        if (file is null || Files.Read(file, header, 0) < (2 + _pieces) * sizeof(uint)
            || BinaryPrimitives.ReadInt32BigEndian(header) != _pieces || BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4)) != _pieceLength)
        {
            return false;
        }

        lock (_gate)
        {
            for (var piece = 0; piece < _pieces; piece++)
            {
                var slot = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan((2 + piece) * sizeof(uint)));
                if (slot != NoSlot && slot < _pieces)
                {
                    _slots[piece] = slot;
                    _nextSlot = Math.Max(_nextSlot, slot + 1);
                }
            }
        }

        return true;
    }

    /// <summary>Keeps bytes of a piece.</summary>
    public void Write(int piece, int pieceOffset, ReadOnlySpan<byte> bytes)
    {
        long offset;
        lock (_gate)
        {
            if (!_slots.TryGetValue(piece, out var slot))
            {
                slot = _nextSlot++;
                _slots[piece] = slot;
                _unwritten.Add(piece);
            }

            offset = SlotOffset(slot);
        }

        Write(bytes, offset + pieceOffset);
    }

    /// <summary>The header as it is now.</summary>
    public byte[] BuildHeader()
    {
        var header = new byte[GetHeaderLength(_pieces)];
        header.AsSpan(0, (2 + _pieces) * sizeof(uint)).Fill(0xff);
        BinaryPrimitives.WriteInt32BigEndian(header, _pieces);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), _pieceLength);
        lock (_gate)
        {
            foreach (var (piece, slot) in _slots)
            {
                BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan((2 + piece) * sizeof(uint)), slot);
            }
        }

        return header;
    }

    /// <inheritdoc />
    protected override FileHandle Open()
    {
        using var folder = _folder.Open();
        if (Files.OpenFile(folder, SessionFolder.BoundaryName, writable: true) is { } present)
        {
            return present;
        }

        var created = Files.CreateFile(folder, SessionFolder.BoundaryName) ?? Files.OpenFile(folder, SessionFolder.BoundaryName, writable: true)
            ?? throw new StorageException(StorageFault.Io, $"The boundary file in '{_folder.Path}' comes and goes.");
        Files.Write(created, BuildHeader(), 0);
        Files.SyncFolder(folder);
        return created;
    }

    /// <inheritdoc />
    protected override void BeforeSync(FileHandle handle)
    {
        (int Piece, uint Slot)[] added;
        lock (_gate)
        {
            added = [.. _unwritten.Select(piece => (piece, _slots[piece]))];
            _unwritten.Clear();
        }

        Span<byte> number = stackalloc byte[sizeof(uint)];
        foreach (var (piece, slot) in added)
        {
            BinaryPrimitives.WriteUInt32BigEndian(number, slot);
            Files.Write(handle, number, (2L + piece) * sizeof(uint));
        }

        // libtorrent reads whole slots, so the file reaches to the end of the last one.
        if (Files.Stat(handle).Length < GetLength())
        {
            Files.SetLength(handle, GetLength());
        }
    }

    /// <inheritdoc />
    protected override void OnSyncFailed(StorageException failure)
    {
        lock (_gate)
        {
            _unwritten.Clear();
            _unwritten.AddRange(_slots.Keys);
        }

        _context.Metrics.FileSyncFailed();
        _owner.LoseUnflushed(null, failure);
    }

    private long SlotOffset(uint slot) => GetHeaderLength(_pieces) + ((long)slot * _pieceLength);
}
