using QbSync.Engine.Destination.Finalization;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination;

/// <summary>
/// One torrent at the destination. Its state changes in its mailbox only, by <see cref="Transition"/>; disk and client work runs in its lane, outside
/// of turns, and reports by a turn. Verbs and <see cref="Begin"/> may be called from any thread. Owned by the engine.
/// </summary>
internal sealed partial class TorrentSession : IAsyncDisposable
{
    private readonly SessionContext _context;
    private readonly string _opener = "";
    private readonly SessionMailbox _mailbox = new();
    private readonly WorkLane _lane = new();
    private readonly ReadBackLedger _ledger = new();
    private TorrentSessionState _state;
    private ITorrentStorage? _storage;
    private Guid _source;
    private Refusal? _refusal;
    private int _heldAtFirst;
    private DateTimeOffset? _arrivedAt;
    private DateTimeOffset? _finishedAt;
    private bool _isRetired;
    private TaskCompletionSource? _ended;
    private volatile SessionView _view;

    /// <summary>A session of a torrent without a record.</summary>
    public TorrentSession(InfoHash id, string opener, SessionContext context)
    {
        (Id, _opener) = (id, opener);
        _context = context;
        _settleSignal = new WakeSignal(context.Time);
        _state = TorrentSessionState.Absent;
        _view = MakeView();
    }

    /// <summary>A session as it was when the process before this one ended.</summary>
    public TorrentSession(ITorrentStorage storage, SessionContext context)
    {
        Id = storage.Request.Manifest.Id;
        _context = context;
        _settleSignal = new WakeSignal(context.Time);
        _source = storage.Request.Source;
        _refusal = storage.Failure;
        _state = GetState(storage);
        _isUncertain = storage.Phase == StoredPhase.StartIntent;
        _marksPending = storage.Phase == StoredPhase.Closed && storage.AddedByUs;
        Attach(storage);
        _view = MakeView();
    }

    public InfoHash Id { get; }

    /// <summary>The session as it is now.</summary>
    public SessionView View => _view;

    /// <summary>Whether the client's entry is ours to change.</summary>
    private bool IsAddedByUs => _view is { Storage.AddedByUs: true };

    /// <summary>Whose torrent it is.</summary>
    public bool BelongsTo(Guid source) => _view is var view && (view.State == TorrentSessionState.Absent || view.Source == source);

    /// <summary>The state of a recovered torrent. What was to be made final still is, though nobody asks again; a look decides what it lacks.</summary>
    private static TorrentSessionState GetState(ITorrentStorage storage) => storage.Phase switch
    {
        StoredPhase.Failed => TorrentSessionState.Failed,
        StoredPhase.Finalizing or StoredPhase.Published or StoredPhase.AddIntent or StoredPhase.Added => TorrentSessionState.Finalizing,
        StoredPhase.Complete or StoredPhase.StartIntent => TorrentSessionState.Complete,
        StoredPhase.HandedOff or StoredPhase.Closed => TorrentSessionState.HandedOff,
        StoredPhase.Receiving => TorrentSessionState.Receiving,
    };

    /// <summary>Goes on where the process before this one stopped.</summary>
    public ValueTask<bool> ResumeAsync() => _mailbox.PostAsync(() =>
    {
        switch (_state)
        {
            case TorrentSessionState.Finalizing:
                StartFinalizing(null, null);
                break;
            case TorrentSessionState.Receiving:
                GoOnReceiving();
                break;
        }
    });

    /// <summary>
    /// Cancels and joins all work, makes what was received durable, and closes the storage. Nothing is lost or decided. Who comes second, as when it is forgotten
    /// while the engine stops, waits for the first.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (Interlocked.CompareExchange(ref _ended, ended, null) is { } already)
        {
            await already.Task.ConfigureAwait(false);
            return;
        }

        try
        {
            await CloseAsync().ConfigureAwait(false);
        }
        finally
        {
            ended.SetResult();
        }
    }

    private async Task CloseAsync()
    {
        await _lane.DisposeAsync().ConfigureAwait(false);
        await _mailbox.DisposeAsync().ConfigureAwait(false);
        await _closing.ConfigureAwait(false);
        await _wish.ConfigureAwait(false);
        if (_storage is { } storage)
        {
            storage.FileWhole -= OnFileWhole;
            storage.SettleDue -= OnSettleDue;
            try
            {
                await storage.FlushAsync(CancellationToken.None).ConfigureAwait(false);
                await storage.DisposeAsync().ConfigureAwait(false);
            }
            catch (StorageException e)
            {
                Log.WorkFails(_context.Logger, Id, "the last flush", e.Message);
            }
        }
    }

    /// <summary>The one place where the state changes.</summary>
    private void Transition(TorrentSessionState next, string reason)
    {
        if (!_state.CanBecome(next))
        {
            Log.IllegalTransition(_context.Logger, Id, _state, next, reason);
            throw new InvalidOperationException($"A session cannot go from {_state} to {next} ({reason}).");
        }

        Log.StateChanged(_context.Logger, Id, _state, next, reason);
        _state = next;
        Publish();
    }

    /// <summary>Shows the present state to other threads, and tells watchers.</summary>
    private void Publish()
    {
        _view = MakeView();
        _context.Hub.Changed(Id);
    }

    private SessionView MakeView() => new()
    {
        State = _state,
        Source = _source,
        Storage = _storage,
        Refusal = _refusal ?? (_state == TorrentSessionState.Receiving ? _conflict : null),
        IsRetired = _isRetired,
        HeldAtFirst = _heldAtFirst,
        ArrivedAt = _arrivedAt,
        FinishedAt = _finishedAt,
    };

    private void Attach(ITorrentStorage storage)
    {
        _storage = storage;
        _source = storage.Request.Source;
        _heldAtFirst = storage.HeldPieces;
        storage.FileWhole += OnFileWhole;
        storage.SettleDue += OnSettleDue;
        RestoreContact(storage);
    }

    private void Detach()
    {
        if (_storage is { } storage)
        {
            storage.FileWhole -= OnFileWhole;
            storage.SettleDue -= OnSettleDue;
            _storage = null;
        }
    }

    private void Retire()
    {
        // Its bytes first: as soon as it shows that it has ended its successor may reserve its own.
        _context.Quotas.Release(Id);
        _isRetired = true;
        Publish();
    }
}
