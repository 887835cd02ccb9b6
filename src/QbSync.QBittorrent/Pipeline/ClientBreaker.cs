using System.Diagnostics.CodeAnalysis;
using Polly;
using QbSync.Ports;

namespace QbSync.QBittorrent.Pipeline;

/// <summary>
/// Counts failed attempts in a row over all operations and refuses calls for a while; then one call probes. A strategy of our own because
/// Polly's breaker judges a ratio within a window, where a success half a minute ago would keep a dead client's breaker closed, takes a
/// probe that its caller cancelled for a success, and knows no isolation that ends by itself. Thread-safe; owner: the client object.
/// </summary>
internal sealed class ClientBreaker(
    int threshold, TimeSpan longestBreak, TimeProvider time, Jitter jitter, Action<BreakerChange> changed) : ResilienceStrategy
{
    private readonly Lock _gate = new();
    private readonly Queue<BreakerChange> _untold = [];
    private bool _isTelling;
    private volatile ClientGate _state; // read by scrapes, which take no lock
    private ClientGate _beforeProbe;
    private int _failuresInRow, _breaksInRow, _lifts;
    private DateTimeOffset _until;
    private TorrentClientException? _last;

    public ClientGate State => _state;

    /// <summary>As callers see it: once a break is over the next call probes, so they should make it.</summary>
    public ClientAvailability Availability
    {
        get
        {
            lock (_gate)
            {
                return Describe_NeedsLock();
            }
        }
    }

    /// <summary>
    /// Ends an isolation early, since what it was for may have changed: the next call probes. So it does after a call under way that was sent before this, and isolates
    /// after it.
    /// </summary>
    public void Lift()
    {
        lock (_gate)
        {
            _lifts++;
            if (_state == ClientGate.Isolated && _until > time.GetUtcNow())
            {
                _until = time.GetUtcNow();
                _untold.Enqueue(new BreakerChange(_state, _state, _last, Describe_NeedsLock()));
            }
        }

        Tell();
    }

    protected override async ValueTask<Outcome<TResult>> ExecuteCore<TResult, TState>(
        Func<ResilienceContext, TState, ValueTask<Outcome<TResult>>> callback, ResilienceContext context, TState state)
    {
        if (Enter(out var isProbe, out var lifts) is { } refusal)
        {
            return Outcome.FromException<TResult>(refusal);
        }

        var outcome = await callback(context, state).ConfigureAwait(context.ContinueOnCapturedContext);
        Report(outcome.Exception, isProbe, lifts);
        return outcome;
    }

    /// <summary>The exception for a call that must not be sent now; null lets it pass.</summary>
    private TorrentClientException? Enter(out bool isProbe, out int lifts)
    {
        lock (_gate)
        {
            (isProbe, lifts) = (false, _lifts);
            if (_state == ClientGate.Closed)
            {
                return null;
            }

            var now = time.GetUtcNow();
            if (_state == ClientGate.HalfOpen || now < _until)
            {
                TimeSpan? wait = _until == DateTimeOffset.MaxValue ? null : _until > now ? _until - now : TimeSpan.Zero;
                return new TorrentClientException(
                    ClientFault.BreakerOpen, "Call", $"Not sent, since calls failed a moment ago: {_last?.Message}", _last, wait);
            }

            _beforeProbe = _state;
            isProbe = true;
            _untold.Enqueue(Transition_NeedsLock(ClientGate.HalfOpen));
        }

        Tell();
        return null;
    }

    // Behind an open gate only the probe has a say: what was under way when the gate opened tells of the time before.
    private void Report(Exception? exception, bool isProbe, int lifts)
    {
        lock (_gate)
        {
            if (_state == ClientGate.Closed || isProbe)
            {
                var change = exception switch
                {
                    null => Succeeded_NeedsLock(),
                    TorrentClientException failure when FaultKinds.Isolates(failure.Fault) => Isolated_NeedsLock(failure, isLifted: lifts != _lifts),
                    TorrentClientException failure when FaultKinds.Trips(failure.Fault) => Failed_NeedsLock(failure),
                    TorrentClientException failure when !FaultKinds.IsUnsent(failure.Fault) => Succeeded_NeedsLock(),

                    // Neutral, as the caller left or nothing was sent. A probe that ended so leaves the next call to probe.
                    _ => isProbe ? Transition_NeedsLock(_beforeProbe) : null,
                };
                if (change is not null)
                {
                    _untold.Enqueue(change);
                }
            }
        }

        Tell();
    }

    private BreakerChange Isolated_NeedsLock(TorrentClientException failure, bool isLifted)
    {
        _last = failure;
        _until = isLifted ? time.GetUtcNow() : failure.RetryAfter is { } wait ? Later_NeedsLock(wait) : DateTimeOffset.MaxValue;
        return Transition_NeedsLock(ClientGate.Isolated);
    }

    private BreakerChange? Succeeded_NeedsLock()
    {
        _failuresInRow = 0;
        _breaksInRow = 0;
        _last = null;
        return _state == ClientGate.Closed ? null : Transition_NeedsLock(ClientGate.Closed);
    }

    private BreakerChange? Failed_NeedsLock(TorrentClientException failure)
    {
        _last = failure;
        if (++_failuresInRow < threshold && _state == ClientGate.Closed)
        {
            return null;
        }

        var seconds = Math.Min(Math.Pow(2, Math.Min(_breaksInRow++, 16)), longestBreak.TotalSeconds);
        _until = Later_NeedsLock(jitter.Spread(TimeSpan.FromSeconds(seconds)));
        return Transition_NeedsLock(ClientGate.Open) with { IsTrip = true };
    }

    private DateTimeOffset Later_NeedsLock(TimeSpan wait)
    {
        var now = time.GetUtcNow();
        return wait >= DateTimeOffset.MaxValue - now ? DateTimeOffset.MaxValue : now + wait;
    }

    private BreakerChange Transition_NeedsLock(ClientGate next)
    {
        var from = _state;
        _state = next;
        return new BreakerChange(from, next, _last, Describe_NeedsLock());
    }

    private ClientAvailability Describe_NeedsLock() => new(
        _state, _state is ClientGate.Open or ClientGate.Isolated && _until < DateTimeOffset.MaxValue ? _until : null, _last);

    // Outside the lock, and yet in the order in which they came: one thread at a time tells, also what others have changed meanwhile.
    private void Tell()
    {
        while (TryTake(out var change))
        {
            try
            {
                changed(change);
            }
            finally
            {
                lock (_gate)
                {
                    _isTelling = false;
                }
            }
        }
    }

    private bool TryTake([NotNullWhen(true)] out BreakerChange? change)
    {
        lock (_gate)
        {
            change = null;
            return !_isTelling && (_isTelling = _untold.TryDequeue(out change));
        }
    }
}

/// <summary>A change of the breaker, told outside its lock.</summary>
internal sealed record BreakerChange(ClientGate From, ClientGate To, TorrentClientException? Cause, ClientAvailability Availability)
{
    /// <summary>Whether failures opened it.</summary>
    public bool IsTrip { get; init; }
}
