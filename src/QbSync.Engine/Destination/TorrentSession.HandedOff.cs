using QbSync.Engine.Destination.Handoff;
using QbSync.Engine.Destination.Maintenance;
using QbSync.Engine.Shared;
using QbSync.Engine.Status;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

internal sealed partial class TorrentSession
{
    /// <summary>How often the trackers' view of a torrent that was just started is read.</summary>
    private static readonly TimeSpan AnnounceInterval = TimeSpan.FromSeconds(10);

    private volatile bool _isUncertain;
    private int _handoffIsQueued;
    private volatile ClientView? _announced;
    private long? _startedAt;
    private long? _announceAskedAt;
    private long? _notWholeSince;
    private ClientTorrentState? _warnedOf;
    private long? _stopSentAt;

    /// <summary>Looks at a torrent that is complete here. Called by the engine's poll loop only.</summary>
    private async ValueTask WatchHandoffAsync(ClientSighting seen)
    {
        var view = _view;
        if (_context.Seeding is not { } seeding || view.Storage is not { } storage || (_seenLast is { } last && last.Stamp > seen.Stamp))
        {
            return;
        }

        var isHandedOff = view.State == TorrentSessionState.HandedOff;
        if (isHandedOff)
        {
            _startedAt ??= _context.Time.GetTimestamp(); // of a start before a restart, the watch begins anew
        }

        var sinceStart = _startedAt is { } at ? _context.Time.GetElapsedTime(at) : TimeSpan.Zero;
        var need = HandoffWatch.Judge(
            seen.Status, _isUncertain, isHandedOff, storage.Phase == StoredPhase.Closed, IsAddedByUs, sinceStart, _context.Options.Current.WatchAfterStart);
        if (need != HandoffNeed.NotWhole)
        {
            _notWholeSince = null;
        }

        switch (need)
        {
            case HandoffNeed.Resolve:
                QueueOnce("settling a start that is in doubt", lease => ResolveAsync(storage, seeding, lease));
                break;
            case HandoffNeed.TakeBack:
                await _mailbox.PostAsync(() => QueueTakeBack([.. storage.Layout.GetSelectedFiles()], $"the client shows {seen.Status.State}")).ConfigureAwait(false);
                break;
            case HandoffNeed.StopOnly:
                if (IsNews(seen))
                {
                    Log.TorrentEnteredDownload(_context.Logger, Id, seen.Status.State);
                    Tell(EngineEventKind.TorrentEnteredDownload, $"the client shows {seen.Status.State}");
                }

                QueueOnce("stop of a torrent that downloads", lease => seeding.StopAsync(seen.Status.Id, lease));
                break;
            case HandoffNeed.NotWhole:
                _notWholeSince ??= _context.Time.GetTimestamp();
                if (_context.Time.GetElapsedTime(_notWholeSince.Value) >= LostAfter)
                {
                    _notWholeSince = null;
                    await _mailbox.PostAsync(() => OnContentChanged([], $"the client shows {seen.Status.State}")).ConfigureAwait(false);
                }

                break;
            case HandoffNeed.None when isHandedOff && storage.Phase == StoredPhase.HandedOff:
                ReadAnnounce(seeding, seen);
                break;
        }
    }

    /// <summary>A torrent of ours that became active between its add and its seal is stopped in the poll that shows it; the finalizer reads that back.</summary>
    private async ValueTask StopActiveAsync(ClientSighting seen, CancellationToken cancellationToken)
    {
        if (_context.Seeding is { } seeding && seen.Status.State.IsActive())
        {
            if (IsNews(seen))
            {
                Log.ActiveUnsealed(_context.Logger, Id, seen.Status.State);
            }

            await seeding.SendStopAsync(seen.Status.Id, cancellationToken).ConfigureAwait(false);
            CountStopUnseen(seen);
        }
        else
        {
            _stopSentAt = null;
        }
    }

    /// <summary>
    /// Each poll is the read-back of the stop that the one before sent: one that was asked for after the bound of a stop, and shows the torrent active
    /// still, says that it had no effect.
    /// </summary>
    private void CountStopUnseen(ClientSighting seen)
    {
        if (_stopSentAt is not { } sent)
        {
            _stopSentAt = _context.Time.GetTimestamp();
        }
        else if (_context.Time.GetElapsedTime(sent, seen.Stamp) >= ClientChange.Stop.Within)
        {
            _context.Metrics.DestinationStopFailed();
            _stopSentAt = _context.Time.GetTimestamp();
        }
    }

    /// <summary>A client that does not stop is asked at each poll, and told of once.</summary>
    private bool IsNews(ClientSighting seen)
    {
        var isNews = _warnedOf != seen.Status.State;
        _warnedOf = seen.Status.State;
        return isNews;
    }

    /// <summary>The client answers again: active is handed off; anything else is stopped, read back, and complete as before.</summary>
    private async Task ResolveAsync(ITorrentStorage storage, SeedingControl seeding, CancellationToken lease)
    {
        var seen = await seeding.FindAsync(storage.Request.Manifest, lease).ConfigureAwait(false);
        if (seen is not null && SeedingControl.IsSeeding(seen.Status))
        {
            await EndStartAsync(storage, seeding, seen, lease).ConfigureAwait(false);
            return;
        }

        // The lost start may still be on its way, so that it shows stopped is not enough.
        if (seen is not null && IsAddedByUs)
        {
            (var atRest, seen) = await seeding.StopAsync(seen.Status.Id, lease).ConfigureAwait(false);
            if (!atRest)
            {
                return;
            }
        }

        await storage.SetPhaseAsync(StoredPhase.Complete, null, lease).ConfigureAwait(false);
        await _mailbox.PostAsync(() => OnStopped(seen, "the start had no effect")).ConfigureAwait(false);
    }

    /// <summary>Stops a torrent that was handed over, then reads files again; until the stop was seen it stays as it is and is tried at each poll.</summary>
    private void QueueTakeBack(IReadOnlyList<int> files, string reason)
    {
        if (_state != TorrentSessionState.HandedOff || _context.Seeding is not { } seeding)
        {
            return;
        }

        var storage = _storage!;
        QueueOnce("taking a handoff back", async lease =>
        {
            if (await seeding.FindAsync(storage.Request.Manifest, lease).ConfigureAwait(false) is { } seen)
            {
                if (SeedingControl.HasLostContent(seen.Status))
                {
                    Log.TorrentEnteredDownload(_context.Logger, Id, seen.Status.State);
                    Tell(EngineEventKind.TorrentEnteredDownload, $"the client shows {seen.Status.State}");
                    _context.Metrics.ClientViolated(GetViolation(seen.Status.State));
                }

                if (!(await seeding.StopAsync(seen.Status.Id, lease).ConfigureAwait(false)).AtRest)
                {
                    return;
                }
            }

            await storage.SetPhaseAsync(StoredPhase.Complete, null, lease).ConfigureAwait(false);
            await _mailbox.PostAsync(() =>
            {
                OnStopped(null, reason);
                if (_state == TorrentSessionState.Complete)
                {
                    ReadAgain(files, reason);
                }
            }).ConfigureAwait(false);
        });
    }

    private static ClientViolation GetViolation(ClientTorrentState state) => state switch
    {
        ClientTorrentState.MissingFiles => ClientViolation.MissingFiles,
        ClientTorrentState.Error => ClientViolation.Errored,
        _ => ClientViolation.Downloading,
    };

    private void ReadAnnounce(SeedingControl seeding, ClientSighting seen)
    {
        if (_announceAskedAt is { } asked && _context.Time.GetElapsedTime(asked) < AnnounceInterval)
        {
            return;
        }

        _announceAskedAt = _context.Time.GetTimestamp();
        QueueOnce("trackers", async lease => _announced = await seeding.ViewAsync(seen, lease).ConfigureAwait(false));
    }

    /// <summary>Queues work that a poll asked for, unless such work waits already: polls come faster than a slow client answers.</summary>
    private void QueueOnce(string what, Func<CancellationToken, Task> work)
    {
        if (Interlocked.Exchange(ref _handoffIsQueued, 1) == 0)
        {
            _ = RunOnceAsync(what, work);
        }
    }

    private async Task RunOnceAsync(string what, Func<CancellationToken, Task> work)
    {
        await _lane.EnqueueAsync(lease => RunAsync(what, work, lease)).ConfigureAwait(false);
        Volatile.Write(ref _handoffIsQueued, 0);
    }

    private void OnStarted(ClientSighting seen, ClientView view)
    {
        _seenLast = seen;
        _announced = view;
        _isUncertain = false;
        _startedAt = _context.Time.GetTimestamp();
        if (_state == TorrentSessionState.Complete)
        {
            Transition(TorrentSessionState.HandedOff, "started, and seen active");
            Tell(EngineEventKind.TorrentHandedOff);
        }
        else
        {
            Publish();
        }
    }

    private void OnStopped(ClientSighting? seen, string reason)
    {
        _seenLast = seen ?? _seenLast;
        _isUncertain = false;
        (_startedAt, _announced) = (null, null);
        if (_state == TorrentSessionState.HandedOff)
        {
            Transition(TorrentSessionState.Complete, reason);
        }
        else
        {
            Publish();
        }
    }

    /// <summary>
    /// Closed is closed, started or not: a torrent that was removed at the source and is not to be started here is the user's from now on, too.
    /// </summary>
    private void OnClosed()
    {
        _isUncertain = false;
        if (_state == TorrentSessionState.Complete)
        {
            Transition(TorrentSessionState.HandedOff, "confirmed by the source");
        }
        else
        {
            Publish();
        }
    }

    /// <summary>What was known of a complete torrent is over.</summary>
    private void LeaveComplete()
    {
        (_finishedAt, _seenLast, _startedAt, _announced, _proofId) = (null, null, null, null, null);
        _isUncertain = false;
        _proving.Forget();
        _starting.Forget();
        _withdrawing.Forget();
        _confirming.Forget();
    }
}
