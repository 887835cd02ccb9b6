using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Storage.State;

/// <summary>
/// The durable state of one session: the journal and what it says. Commits come one at a time. A commit that cannot be appended is tried once by
/// rewriting the whole journal beside the old one; if that fails too, nothing has changed.
/// </summary>
internal sealed class SessionJournal
{
    /// <summary>Name of the journal in a session's folder.</summary>
    public const string FileName = "journal";

    private const long MinCompaction = 1 << 20;
    private readonly Journal _journal;
    private readonly StorageMetrics _metrics;
    private long _liveLength;
    private bool _mustRewrite;
    private volatile bool _isFailing;

    private SessionJournal(Journal journal, SessionState state, StorageMetrics metrics)
    {
        _journal = journal;
        _metrics = metrics;
        State = state;
        _liveLength = journal.Length;
    }

    /// <summary>What is durable.</summary>
    public SessionState State { get; }

    /// <summary>Whether the last commit could not be made durable; until <see cref="Repair"/> or another commit is.</summary>
    public bool IsFailing => _isFailing;

    /// <summary>Makes the journal of a new session, durably.</summary>
    public static SessionJournal Create(SessionFolder folder, StoreRequest request, RecordBatch records, StorageMetrics metrics)
    {
        try
        {
            var journal = Journal.Create(folder, FileName, JournalHeader.Of(request.Manifest), records);
            var state = new SessionState(request.Manifest);
            Apply(state, records);
            return new SessionJournal(journal, state, metrics);
        }
        catch (StorageException)
        {
            metrics.StateSaveFailed();
            throw;
        }
    }

    /// <summary>Reads a session's journal; null when it cannot be trusted.</summary>
    public static SessionJournal? Open(SessionFolder folder, TorrentManifest manifest, StorageMetrics metrics)
    {
        var state = new SessionState(manifest);
        var journal = Journal.Open(folder, FileName, JournalHeader.Of(manifest), state.Apply);
        return journal is not null && state is { Selection: not null, Place: not null } ? new SessionJournal(journal, state, metrics) : null;
    }

    /// <summary>Makes records durable, then true here.</summary>
    public void Commit(RecordBatch records, StoreRequest request)
    {
        if (records.Count == 0)
        {
            return;
        }

        if (_mustRewrite || !TryAppend(records))
        {
            Rewrite(records, request);
        }

        _isFailing = false;
        Apply(State, records);
        if (_journal.Length > Math.Max(MinCompaction, 4 * _liveLength))
        {
            Compact(request);
        }
    }

    /// <summary>After a commit that failed: writes what is true anew, beside the file that is in doubt.</summary>
    public void Repair(StoreRequest request)
    {
        if (_isFailing)
        {
            Rewrite(new RecordBatch(), request);
            _isFailing = false;
        }
    }

    private bool TryAppend(RecordBatch records)
    {
        try
        {
            _journal.Append(records);
            return true;
        }
        catch (StorageException)
        {
            // What a failed flush left of the tail is unknown, so this file gets no further record.
            _mustRewrite = true;
            _metrics.StateSaveFailed();
            return false;
        }
    }

    private void Rewrite(RecordBatch records, StoreRequest request)
    {
        var all = SessionRecords.Snapshot(State, request);
        all.Append(records);
        try
        {
            _journal.Rewrite(all);
        }
        catch (StorageException)
        {
            _metrics.StateSaveFailed();
            _isFailing = true;
            throw;
        }

        _mustRewrite = false;
        _liveLength = _journal.Length;
    }

    private void Compact(StoreRequest request)
    {
        try
        {
            Rewrite(new RecordBatch(), request);
        }
        catch (StorageException)
        {
            // The records are durable already; a longer journal is no failure. The file is in doubt, though, so the next commit rewrites it.
            _mustRewrite = true;
            _isFailing = false;
        }
    }

    private static void Apply(SessionState state, RecordBatch records)
    {
        for (var i = 0; i < records.Count; i++)
        {
            var (type, payload) = records[i];
            state.Apply(type, payload.Span);
        }
    }
}
