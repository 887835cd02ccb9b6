using Polly;
using QbSync.Ports;

namespace QbSync.QBittorrent.Pipeline;

/// <summary>Whether calls go through.</summary>
internal enum BreakerState
{
    Closed,
    Open,
    HalfOpen,

    /// <summary>Open for a reason that repeating does not mend, such as wrong credentials; not counted as a trip.</summary>
    Isolated,
}

/// <summary>
/// Counts failed attempts in a row over all operations and refuses calls for a while; then one call probes. A strategy of our own because
/// Polly's breaker judges a ratio within a window, where a success half a minute ago would keep a dead client's breaker closed.
/// Thread-safe; owner: the client object.
/// </summary>
internal sealed class ClientBreaker(
    int threshold, TimeSpan longestBreak, TimeProvider time, Jitter jitter, Action<BreakerChange> changed) : ResilienceStrategy
{
    private readonly Lock _gate = new();
    private BreakerState _state;
    private int _failuresInRow, _breaksInRow;
    private DateTimeOffset _until;
    private TorrentClientException? _last;

    public BreakerState State
    {
        get
        {
            lock (_gate)
            {
                return _state;
            }
        }
    }

    /// <summary>As callers see it: once a break is over the next call probes, so they should make it.</summary>
    public ClientAvailability Availability
    {
        get
        {
            lock (_gate)
            {
                return _state switch
                {
                    BreakerState.Closed => ClientAvailability.Available,
                    BreakerState.HalfOpen => ClientAvailability.Probing,
                    BreakerState.Open or BreakerState.Isolated =>
                        time.GetUtcNow() < _until ? ClientAvailability.Unavailable : ClientAvailability.Probing,
                };
            }
        }
    }

    protected override async ValueTask<Outcome<TResult>> ExecuteCore<TResult, TState>(
        Func<ResilienceContext, TState, ValueTask<Outcome<TResult>>> callback, ResilienceContext context, TState state)
    {
        if (Enter() is { } refusal)
        {
            return Outcome.FromException<TResult>(refusal);
        }

        var outcome = await callback(context, state).ConfigureAwait(context.ContinueOnCapturedContext);
        Report(outcome.Exception);
        return outcome;
    }

    /// <summary>The exception for a call that must not be sent now; null lets it pass.</summary>
    private TorrentClientException? Enter()
    {
        BreakerChange? change = null;
        lock (_gate)
        {
            if (_state == BreakerState.Closed)
            {
                return null;
            }

            var now = time.GetUtcNow();
            if (_state == BreakerState.HalfOpen || now < _until)
            {
                var wait = _until > now ? _until - now : TimeSpan.Zero;
                return new TorrentClientException(
                    ClientFault.BreakerOpen, "Call", $"Not sent, since calls failed a moment ago: {_last?.Message}", _last, wait);
            }

            change = Transition_NeedsLock(BreakerState.HalfOpen);
        }

        Tell(change);
        return null;
    }

    private void Report(Exception? exception)
    {
        BreakerChange? change = null;
        lock (_gate)
        {
            change = exception switch
            {
                TorrentClientException failure when FaultKinds.Isolates(failure.Fault) => Isolated_NeedsLock(failure),
                TorrentClientException failure when FaultKinds.Trips(failure.Fault) => Failed_NeedsLock(failure),
                null or TorrentClientException => Succeeded_NeedsLock(),

                // Neutral, as the caller left. A probe that ended so leaves the next call to probe.
                _ => _state == BreakerState.HalfOpen ? Transition_NeedsLock(BreakerState.Open) : null,
            };
        }

        Tell(change);
    }

    private BreakerChange? Isolated_NeedsLock(TorrentClientException failure)
    {
        _last = failure;
        _until = failure.RetryAfter is { } wait ? Later_NeedsLock(wait) : DateTimeOffset.MaxValue;
        return Transition_NeedsLock(BreakerState.Isolated);
    }

    private BreakerChange? Succeeded_NeedsLock()
    {
        _failuresInRow = 0;
        _breaksInRow = 0;
        return _state is BreakerState.HalfOpen or BreakerState.Open ? Transition_NeedsLock(BreakerState.Closed) : null;
    }

    private BreakerChange? Failed_NeedsLock(TorrentClientException failure)
    {
        _last = failure;
        _failuresInRow++;
        if (_state == BreakerState.HalfOpen || (_state == BreakerState.Closed && _failuresInRow >= threshold))
        {
            var seconds = Math.Min(Math.Pow(2, Math.Min(_breaksInRow++, 16)), longestBreak.TotalSeconds);
            _until = Later_NeedsLock(jitter.Spread(TimeSpan.FromSeconds(seconds)));
            return Transition_NeedsLock(BreakerState.Open) is { } change ? change with { IsTrip = true } : null;
        }

        return null;
    }

    private DateTimeOffset Later_NeedsLock(TimeSpan wait)
    {
        var now = time.GetUtcNow();
        return wait >= DateTimeOffset.MaxValue - now ? DateTimeOffset.MaxValue : now + wait;
    }

    private BreakerChange? Transition_NeedsLock(BreakerState next)
    {
        if (next == _state && next != BreakerState.Isolated)
        {
            return null;
        }

        var change = new BreakerChange(_state, next, _last, _until);
        _state = next;
        return change;
    }

    private void Tell(BreakerChange? change)
    {
        if (change is not null)
        {
            changed(change);
        }
    }
}

/// <summary>A change of the breaker, told outside its lock.</summary>
internal sealed record BreakerChange(BreakerState From, BreakerState To, TorrentClientException? Cause, DateTimeOffset Until)
{
    /// <summary>Whether failures opened it.</summary>
    public bool IsTrip { get; init; }
}
