using Microsoft.Extensions.Logging;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Hardlinks;

/// <summary>
/// Verified files under final names, by what the source's file system said they are. Changes are true at once and durable soon: one that a crash takes is a file
/// that is received instead of linked, or an entry that is found stale again. Thread-safe; disposing makes everything durable.
/// </summary>
internal sealed partial class HardlinkRegistry : IAsyncDisposable
{
    private const string FileName = "registry";
    private const long MinCompaction = 1 << 20;
    private readonly Lock _gate = new();
    private readonly Dictionary<LinkKey, LinkEntry> _entries;
    private readonly Journal _journal;
    private readonly StorageMetrics _metrics;
    private readonly ILogger _logger;
    private RecordBatch _pending = new();
    private Task _writing = Task.CompletedTask;
    private bool _isWriting;
    private int _count;
    private bool _mustRewrite;
    private long _liveLength;

    private HardlinkRegistry(Journal journal, Dictionary<LinkKey, LinkEntry> entries, StorageMetrics metrics, ILogger logger)
    {
        _journal = journal;
        _entries = entries;
        _metrics = metrics;
        _logger = logger;
        _liveLength = journal.Length;
        _count = entries.Count;
        _metrics.PublishInodes(() => Volatile.Read(ref _count));
    }

    /// <summary>Reads the registry, or makes it. A damaged one is no loss that matters: it begins empty.</summary>
    public static HardlinkRegistry Open(RootDirectory state, StorageMetrics metrics, ILogger logger)
    {
        var entries = new Dictionary<LinkKey, LinkEntry>();
        var folder = new StateFolder(state, []);
        if (Journal.Open(folder, FileName, JournalHeader.Registry, (type, payload) => Apply(entries, type, payload)) is { } journal)
        {
            return new HardlinkRegistry(journal, entries, metrics, logger);
        }

        if (state.Files.Stat(state.Handle, FileName) is not null)
        {
            Log.Damaged(logger, state.Describe([FileName]));
        }

        entries.Clear();
        try
        {
            return new HardlinkRegistry(Journal.Create(folder, FileName, JournalHeader.Registry, new RecordBatch()), entries, metrics, logger);
        }
        catch (StorageException)
        {
            metrics.StateSaveFailed();
            throw;
        }
    }

    /// <summary>The file of a key, as it was when it got its name; null when there is none.</summary>
    public LinkEntry? Find(LinkKey key)
    {
        lock (_gate)
        {
            return _entries.GetValueOrDefault(key);
        }
    }

    /// <summary>All entries as they are now.</summary>
    public IReadOnlyList<(LinkKey Key, LinkEntry Entry)> List()
    {
        lock (_gate)
        {
            return [.. _entries.Select(static pair => (pair.Key, pair.Value))];
        }
    }

    /// <summary>Takes a file in, in the place of an older one of its key.</summary>
    public void Add(LinkKey key, LinkEntry entry)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(key, out var known) && known.Record == entry.Record && known.Path.SequenceEqual(entry.Path))
            {
                return;
            }

            _entries[key] = entry;
            AddKnown(_pending, key, entry);
            Write_NeedsLock();
        }
    }

    /// <summary>Forgets a file; unless it was replaced by another since the caller looked at it.</summary>
    public void Evict(LinkKey key, LinkEntry seen)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(key, out var known) || !ReferenceEquals(known, seen))
            {
                return;
            }

            _entries.Remove(key);
            AddKey(_pending.Begin(RecordType.LinkEvicted), key);
            Write_NeedsLock();
        }
    }

    /// <summary>Forgets every entry that leads to this file of ours.</summary>
    public void EvictFile(ulong inode)
    {
        foreach (var (key, entry) in List())
        {
            if (entry.Record.Inode == inode)
            {
                Evict(key, entry);
            }
        }
    }

    /// <summary>Waits until what was changed before is durable, or could not be made so.</summary>
    public async ValueTask FlushAsync()
    {
        Task writing;
        lock (_gate)
        {
            writing = _writing;
        }

        await writing.ConfigureAwait(false);
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => FlushAsync();

    private static bool Apply(Dictionary<LinkKey, LinkEntry> entries, RecordType type, ReadOnlySpan<byte> payload)
    {
        var reader = new RecordReader(payload);
        if (type is not (RecordType.LinkKnown or RecordType.LinkEvicted))
        {
            return true;
        }

        var source = reader.ReadBytes() is { Length: 16 } bytes ? new Guid(bytes) : Guid.Empty;
        var key = new LinkKey(source, reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadInt64(), reader.ReadInt64());
        if (type == RecordType.LinkEvicted)
        {
            entries.Remove(key);
            return reader.IsGood;
        }

        var path = reader.ReadStrings();
        entries[key] = new LinkEntry(path, reader.ReadRecord());
        return reader.IsGood && SafePath.IsContentPath(path);
    }

    private static void AddKnown(RecordBatch batch, LinkKey key, LinkEntry entry)
    {
        AddKey(batch.Begin(RecordType.LinkKnown), key).Add(entry.Path);
        batch.AddRecord(entry.Record);
    }

    private static RecordBatch AddKey(RecordBatch batch, LinkKey key) =>
        batch.Add(key.Source.ToByteArray()).Add(key.Device).Add(key.Inode).Add(key.Size).Add(key.ModifiedNanoseconds);

    private void Write_NeedsLock()
    {
        Volatile.Write(ref _count, _entries.Count);
        if (!_isWriting)
        {
            _isWriting = true;
            _writing = Task.Run(Write);
        }
    }

    /// <summary>One writer at a time: takes what has gathered, until nothing has.</summary>
    private void Write()
    {
        while (true)
        {
            RecordBatch batch;
            lock (_gate)
            {
                if (_pending.Count == 0)
                {
                    _isWriting = false;
                    return;
                }

                batch = _pending;
                _pending = new RecordBatch();
            }

            Write(batch);
        }
    }

    private void Write(RecordBatch batch)
    {
        try
        {
            if (!_mustRewrite && _journal.Length <= Math.Max(MinCompaction, 4 * _liveLength))
            {
                _journal.Append(batch);
                return;
            }
        }
        catch (StorageException)
        {
            _metrics.StateSaveFailed();
            _mustRewrite = true;
        }

        try
        {
            _journal.Rewrite(BuildSnapshot());
            _liveLength = _journal.Length;
            _mustRewrite = false;
        }
        catch (StorageException exception)
        {
            // The next change writes everything; until then a crash costs links, not bytes.
            _mustRewrite = true;
            _metrics.StateSaveFailed();
            Log.NotSaved(_logger, exception.Message);
        }
    }

    private RecordBatch BuildSnapshot()
    {
        var batch = new RecordBatch();
        foreach (var (key, entry) in List())
        {
            AddKnown(batch, key, entry);
        }

        return batch;
    }
}
