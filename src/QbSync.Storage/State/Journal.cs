using System.Buffers;
using System.Buffers.Binary;
using QbSync.Storage.IO;

namespace QbSync.Storage.State;

/// <summary>
/// A file of checked records: appended, then flushed; replayed up to the first record that does not check, so that each prefix is an older truth.
/// One writer; not thread-safe. Holds no descriptor between calls: ten thousand complete torrents have a journal each.
/// </summary>
internal sealed class Journal
{
    /// <summary>Longest record, checked before anything is allocated for it.</summary>
    public const int MaxRecord = 16 << 20;

    private const int Overhead = 9; // length, type, checksum
    private readonly StateFolder _folder;
    private readonly IFileSystem _files;
    private readonly string _name;
    private JournalHeader _header;

    private Journal(StateFolder folder, string name, JournalHeader header)
    {
        _folder = folder;
        _files = folder.Files;
        _name = name;
        _header = header;
    }

    /// <summary>Bytes that are valid.</summary>
    public long Length { get; private set; }

    /// <summary>Makes or replaces the journal with these records, durably.</summary>
    public static Journal Create(StateFolder folder, string name, JournalHeader header, RecordBatch records)
    {
        var journal = new Journal(folder, name, header);
        journal.Rewrite(records);
        return journal;
    }

    /// <summary>
    /// Opens the journal and hands each valid record, in order, to <paramref name="replay"/>. What follows the last one is cut off.
    /// Null when there is none, its header is not the torrent's, or a record that checks is refused: then nothing of it may be trusted.
    /// </summary>
    public static Journal? Open(StateFolder folder, string name, JournalHeader expected, ReplayRecord replay)
    {
        using var handle = folder.Open();
        using var file = folder.Files.OpenFile(handle, name, writable: true);
        if (file is null)
        {
            return null;
        }

        Span<byte> head = stackalloc byte[JournalHeader.Length];
        var header = expected.ReadMatching(head[..folder.Files.Read(file, head, 0)]);
        var journal = header is null ? null : new Journal(folder, name, header.Value);
        return journal?.Replay(file, replay, cutsRest: true) == true ? journal : null;
    }

    /// <summary>
    /// Hands over the records as they are now, for who only looks: another process may append meanwhile, and nothing is cut off. False as
    /// <see cref="Open"/> gives null.
    /// </summary>
    public static bool TryRead(StateFolder folder, string name, JournalHeader expected, ReplayRecord replay)
    {
        using var handle = folder.Open();
        using var file = folder.Files.OpenFile(handle, name, writable: false);
        if (file is null)
        {
            return false;
        }

        Span<byte> head = stackalloc byte[JournalHeader.Length];
        var header = expected.ReadMatching(head[..folder.Files.Read(file, head, 0)]);
        return header is not null && new Journal(folder, name, header.Value).Replay(file, replay, cutsRest: false);
    }

    /// <summary>Appends records and flushes them.</summary>
    public void Append(RecordBatch records)
    {
        using var folder = _folder.Open();
        using var file = _files.OpenFile(folder, _name, writable: true)
            ?? throw new StorageException(StorageFault.Io, $"The journal in '{_folder.Path}' is gone.");
        var bytes = Frame(records);
        _files.Write(file, bytes.WrittenSpan, Length);
        _files.Sync(file);
        Length += bytes.WrittenCount;
    }

    /// <summary>Replaces the whole journal by these records, durably.</summary>
    public void Rewrite(RecordBatch records)
    {
        _header = _header with { Generation = _header.Generation + 1 };
        var bytes = new ArrayBufferWriter<byte>(JournalHeader.Length + 64);
        _header.WriteTo(bytes.GetSpan(JournalHeader.Length));
        bytes.Advance(JournalHeader.Length);
        bytes.Write(Frame(records).WrittenSpan);
        using var folder = _folder.Open();
        AtomicFile.Write(_files, folder, _name, bytes.WrittenSpan);
        Length = bytes.WrittenCount;
    }

    private bool Replay(FileHandle file, ReplayRecord replay, bool cutsRest)
    {
        var end = _files.Stat(file).Length;
        Length = JournalHeader.Length;
        var buffer = new byte[64 * 1024];
        while (end - Length >= Overhead)
        {
            _files.Read(file, buffer.AsSpan(0, sizeof(int)), Length);
            var length = BinaryPrimitives.ReadInt32LittleEndian(buffer);
            if (length is < 0 or > MaxRecord || length + Overhead > end - Length)
            {
                break;
            }

            buffer = buffer.Length < length + Overhead ? new byte[length + Overhead] : buffer;
            var record = buffer.AsSpan(0, length + Overhead);
            if (_files.Read(file, record, Length) < record.Length
                || BinaryPrimitives.ReadUInt32LittleEndian(record[^4..]) != Check(record[4..^4]))
            {
                break;
            }

            if (!replay((RecordType)record[4], record[5..^4]))
            {
                return false;
            }

            Length += record.Length;
        }

        if (cutsRest && end > Length)
        {
            _files.SetLength(file, Length);
            _files.Sync(file);
        }

        return true;
    }

    private ArrayBufferWriter<byte> Frame(RecordBatch records)
    {
        var bytes = new ArrayBufferWriter<byte>();
        for (var i = 0; i < records.Count; i++)
        {
            var (type, payload) = records[i];
            if (payload.Length > MaxRecord)
            {
                throw new StorageException(StorageFault.Io, $"A record of {payload.Length} bytes is more than a journal takes.");
            }

            var record = bytes.GetSpan(payload.Length + Overhead)[..(payload.Length + Overhead)];
            BinaryPrimitives.WriteInt32LittleEndian(record, payload.Length);
            record[4] = (byte)type;
            payload.Span.CopyTo(record[5..]);
            BinaryPrimitives.WriteUInt32LittleEndian(record[^4..], Check(record[4..^4]));
            bytes.Advance(record.Length);
        }

        return bytes;
    }

    private uint Check(ReadOnlySpan<byte> typeAndPayload)
    {
        Span<byte> generation = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(generation, _header.Generation);
        return Checksum.Append(Checksum.Append(0, generation), typeAndPayload);
    }
}

/// <summary>Takes a replayed record; false when it makes no sense.</summary>
internal delegate bool ReplayRecord(RecordType type, ReadOnlySpan<byte> payload);
