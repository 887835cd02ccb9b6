using QbSync.Engine.Destination.Initialization;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination;

public sealed partial class DestinationEngine
{
    /// <summary>How long a greeting waits for the state to be read.</summary>
    private static readonly TimeSpan GreetWithin = TimeSpan.FromSeconds(4);

    /// <inheritdoc />
    public async ValueTask<DestinationGreeting> HelloAsync(Caller caller, CancellationToken cancellationToken)
    {
        try
        {
            await _recovered.Task.WaitAsync(GreetWithin, _time, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new PeerException(PeerFault.Timeout, "The destination is still reading its state, or is shutting down.", e);
        }

        return new DestinationGreeting(_options.Current.DryRun ? 0 : _store.Incarnation, $"QbSync {typeof(DestinationEngine).Assembly.GetName().Version}", TimeSpan.FromSeconds(30));
    }

    /// <inheritdoc />
    public async ValueTask<InitOutcome> InitAsync(Caller caller, InitRequest request, CancellationToken cancellationToken)
    {
        if (_options.Current.DryRun && !_isStopping)
        {
            return await DescribeAsync(caller, request, cancellationToken).ConfigureAwait(false);
        }

        if (GetRefusal() is { } refusal)
        {
            return new InitOutcome.Refused(refusal);
        }

        var began = _time.GetTimestamp();
        if ((OpeningPlan.CheckEnvelope(request) ?? GrantRules.CheckOpening(caller.Grants, request)) is { } unfit)
        {
            return new InitOutcome.Refused(unfit);
        }

        // The only root, by its name or without one: the same place.
        request = request with { Place = request.Place with { Root = "" } };
        while (true)
        {
            var (session, missing) = GetOrAdd(caller, request);
            if (session is null)
            {
                return new InitOutcome.Refused(missing!);
            }

            var (ended, outcome) = await AnswerAsync(session.InitAsync(caller, request), began, cancellationToken).ConfigureAwait(false);
            if (!ended)
            {
                return new InitOutcome.Running(session.GetProgress());
            }

            if (outcome is InitOutcome.Running)
            {
                await RestAsync(began, cancellationToken).ConfigureAwait(false);
                return new InitOutcome.Running(session.GetProgress());
            }

            if (outcome is not null)
            {
                return outcome;
            }

            if (GetRefusal() is { } stopping)
            {
                return new InitOutcome.Refused(stopping);
            }

            await ForgetAsync(session).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public async ValueTask<FinalizeOutcome> FinalizeAsync(Caller caller, FinalizeRequest request, CancellationToken cancellationToken)
    {
        if (GetRefusal() is { } refusal)
        {
            return new FinalizeOutcome.Refused(refusal);
        }

        if (FindOwn(caller, request.Id) is not { } session)
        {
            return new FinalizeOutcome.Unknown();
        }

        if (GrantRules.CheckParameters(caller.Grants, request.Parameters) is { } missing)
        {
            return new FinalizeOutcome.Refused(missing);
        }

        var began = _time.GetTimestamp();
        var (ended, outcome) = await AnswerAsync(session.FinalizeAsync(request), began, cancellationToken).ConfigureAwait(false);
        if (ended && outcome is FinalizeOutcome.Running)
        {
            await RestAsync(began, cancellationToken).ConfigureAwait(false);
        }

        return ended && outcome is not FinalizeOutcome.Running
            ? outcome ?? (GetRefusal() is { } stopping ? new FinalizeOutcome.Refused(stopping) : new FinalizeOutcome.Unknown())
            : new FinalizeOutcome.Running(session.GetProgress());
    }

    /// <inheritdoc />
    public async ValueTask<AbortOutcome> AbortAsync(Caller caller, AbortRequest request, CancellationToken cancellationToken)
    {
        if (GetRefusal() is { } refusal)
        {
            return new AbortOutcome.Refused(refusal);
        }

        if (FindOwn(caller, request.Id) is not { } session)
        {
            return new AbortOutcome.Done(0, 0);
        }

        var began = _time.GetTimestamp();
        var (ended, outcome) = await AnswerAsync(session.AbortAsync(request.Cause, request.Mode, caller.Grants.MayDelete), began, cancellationToken).ConfigureAwait(false);
        return ended
            ? outcome ?? (GetRefusal() is { } stopping ? new AbortOutcome.Refused(stopping) : new AbortOutcome.Done(0, 0))
            : new AbortOutcome.Running(session.GetProgress());
    }

    /// <summary>
    /// Why nothing is done now. Looked at before a verb, and again when its session turns out to have ended: all end when the engine stops, and then neither
    /// is anything done nor is the torrent unknown.
    /// </summary>
    private Refusal? GetRefusal()
    {
        if (_isStopping)
        {
            return new Refusal(RefusalReason.Stopping, "The destination is shutting down.");
        }

        if (_options.Current.DryRun)
        {
            return new Refusal(RefusalReason.DryRun, "The destination runs dry and changes nothing.");
        }

        return _context is null ? new Refusal(RefusalReason.Recovering, "The destination is reading its state.") : null;
    }

    /// <summary>Why the disk takes nothing now.</summary>
    private Refusal? GetTrouble() => _context is null ? null : _store.GetTrouble();

    /// <summary>A session of the caller. Torrents of others look absent.</summary>
    private TorrentSession? FindOwn(Caller caller, InfoHash id) =>
        _sessions.TryGetValue(id, out var session) && session.BelongsTo(caller.Source) && !session.View.IsRetired ? session : null;

    /// <summary>The torrent's session, made when there is none and the request holds all that one needs.</summary>
    private (TorrentSession? Session, Refusal? Missing) GetOrAdd(Caller caller, InitRequest request)
    {
        if (_sessions.TryGetValue(request.Id, out var known))
        {
            return known.View.State is TorrentSessionState.Receiving or TorrentSessionState.Failed && GetTrouble() is { } fails ? (null, fails) : (known, null);
        }

        if ((CheckParts(request) ?? GetTrouble()) is { } missing)
        {
            return (null, missing);
        }

        lock (_gate)
        {
            if (_sessions.TryGetValue(request.Id, out known))
            {
                return (known, null);
            }

            if (_isStopping)
            {
                // Nobody would close it any more.
                return (null, GetRefusal());
            }

            var (open, own) = (0, 0);
            foreach (var session in _sessions.Values)
            {
                var isOpen = session.IsUnfinished;
                open += isOpen ? 1 : 0;
                own += isOpen && session.Peer == caller.Peer ? 1 : 0;
            }

            if (open >= _options.Current.MaxSessions)
            {
                return (null, new Refusal(RefusalReason.Busy, $"The destination receives {open} torrents, its limit.", TimeSpan.FromMinutes(1)));
            }

            if (own >= _options.Current.MaxPeerSessions)
            {
                return (null, new Refusal(RefusalReason.Busy, $"max-peer-torrents: {_options.Current.MaxPeerSessions} are open.", TimeSpan.FromMinutes(1)));
            }

            var made = new TorrentSession(request.Id, caller.Peer, _context!);
            _sessions[request.Id] = made;
            return (made, null);
        }
    }

    /// <summary>What a first request has to bring.</summary>
    private static Refusal? CheckParts(InitRequest request)
    {
        if (request.Torrent.IsEmpty)
        {
            return new Refusal(RefusalReason.TorrentFileNeeded, "The .torrent is not stored here yet.");
        }

        return request is { Files: null, FilesDigest.IsEmpty: false }
            ? new Refusal(RefusalReason.FilesNeeded, "The file table is not stored here yet.")
            : null;
    }

    /// <summary>Waits for an operation as long as a verb may take; the operation goes on by itself.</summary>
    private async Task<(bool Ended, T? Outcome)> AnswerAsync<T>(Task<T?> operation, long began, CancellationToken cancellationToken)
        where T : class
    {
        var left = AnswerWithin - _time.GetElapsedTime(began);
        if (left > TimeSpan.Zero)
        {
            using var rest = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(operation, Task.Delay(left, _time, rest.Token)).ConfigureAwait(false);
            await rest.CancelAsync().ConfigureAwait(false);
        }

        cancellationToken.ThrowIfCancellationRequested();
        return operation.IsCompleted ? (true, await operation.ConfigureAwait(false)) : (false, null);
    }

    /// <summary>Who is answered Running asks again at once, so that answer is never given early.</summary>
    private async Task RestAsync(long began, CancellationToken cancellationToken)
    {
        if (AnswerWithin - _time.GetElapsedTime(began) is var left && left > TimeSpan.Zero)
        {
            await Task.Delay(left, _time, cancellationToken).ConfigureAwait(false);
        }
    }
}
