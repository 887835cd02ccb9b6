using Microsoft.Extensions.Logging;
using QbSync.Engine.Shared;
using QbSync.Ports;

namespace QbSync.Engine.Source.Peers;

/// <summary>
/// Greets the destination until it answers, then listens to its changes, for ever. Owns the gate; others report to it how their calls went. Thread-safe.
/// </summary>
internal sealed partial class PeerWatcher(
    IDestination destination,
    Caller caller,
    SourceOptions options,
    MonotonicClock clock,
    Chance chance,
    EngineMetrics metrics,
    Func<PeerEvent, CancellationToken, ValueTask> sink,
    ILogger<PeerWatcher> logger)
{
    private static readonly TimeSpan HelloTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Knock = TimeSpan.FromMinutes(5);

    /// <summary>After a change of trust: the other side may take up its part of it a little later than we do ours.</summary>
    private static readonly Backoff Settling = new(TimeSpan.FromSeconds(1), Knock);
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);
    private static readonly Backoff Rewatch = new(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(5));
    private readonly Lock _lock = new();
    private readonly PeerGate _gate = new(options.ReconnectMaxDelay);
    private CancellationTokenSource? _listening;
    private TaskCompletionSource? _nudge;
    private volatile bool _isTroubled;
    private string _parkedFor = "";
    private int? _knocksSinceChange;
    private bool? _isUp;

    /// <summary>State of the gate, for metrics.</summary>
    public PeerGateState State => _gate.State;

    public async Task RunAsync(CancellationToken stop)
    {
        var rewatches = 0;
        while (!stop.IsCancellationRequested)
        {
            await WaitForProbeAsync(stop).ConfigureAwait(false);
            if (stop.IsCancellationRequested || !await GreetAsync(stop).ConfigureAwait(false))
            {
                continue;
            }

            var began = clock.Now;
            await ListenAsync(stop).ConfigureAwait(false);
            rewatches = clock.Now - began > Silence ? 1 : rewatches + 1;
            await clock.DelayAsync(Rewatch.After(rewatches), stop).ConfigureAwait(false);
        }
    }

    /// <summary>A call to the destination worked.</summary>
    public void Succeeded()
    {
        lock (_lock)
        {
            _gate.Succeeded();
            _isTroubled = false;
            _knocksSinceChange = null;
        }
    }

    /// <summary>The destination acknowledged a piece. Costs nothing while all is well.</summary>
    public void Acknowledged()
    {
        if (!_isTroubled)
        {
            return;
        }

        lock (_lock)
        {
            if (!_gate.IsParked)
            {
                _gate.Succeeded();
                _isTroubled = false;
            }
        }
    }

    /// <summary>A call to the destination failed for want of the destination. When that opens the gate, listening ends and probing begins.</summary>
    /// <param name="began">When the call began.</param>
    public void Failed(TimeSpan began)
    {
        CancellationTokenSource? listening;
        lock (_lock)
        {
            _isTroubled = true;
            if (!_gate.Failed(clock.Now, began, chance.Next()))
            {
                return;
            }

            listening = _listening;
        }

        OnOpened(listening);
    }

    /// <summary>The link has streams, or none any more.</summary>
    public void LinkChanged(bool connected)
    {
        CancellationTokenSource? listening;
        lock (_lock)
        {
            if (connected)
            {
                _gate.LinkUp(clock.Now);
                _isTroubled = false;
                return;
            }

            _isTroubled = true;
            if (!_gate.LinkLost(clock.Now, chance.Next()))
            {
                return;
            }

            listening = _listening;
        }

        OnOpened(listening);
    }

    /// <summary>Who is trusted has changed: a destination that is parked is asked at once.</summary>
    public void TrustChanged()
    {
        TaskCompletionSource? nudge;
        lock (_lock)
        {
            _knocksSinceChange = 0;
            nudge = _gate.Unpark(clock.Now) ? _nudge : null;
        }

        nudge?.TrySetResult();
    }

    private async ValueTask WaitForProbeAsync(CancellationToken stop)
    {
        TimeSpan wait;
        var nudge = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            wait = _isUp is false || _gate.State == PeerGateState.Open ? _gate.ProbeAt - clock.Now : TimeSpan.Zero;
            _nudge = nudge;
        }

        if (wait > TimeSpan.Zero)
        {
            using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
            await Task.WhenAny(clock.DelayAsync(wait, over.Token).AsTask(), nudge.Task).ConfigureAwait(false);
            await over.CancelAsync().ConfigureAwait(false);
        }

        lock (_lock)
        {
            _gate.BeginProbe();
        }
    }

    private async ValueTask<bool> GreetAsync(CancellationToken stop)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var began = clock.Now;
        try
        {
            var greeting = await destination.HelloAsync(caller, deadline.Token).AsTask()
                .WaitAsync(HelloTimeout, clock.Provider, stop).ConfigureAwait(false);
            Succeeded();
            if (_isUp != true)
            {
                Log.PeerUp(logger, greeting.Software);
            }

            (_isUp, _parkedFor) = (true, "");
            await sink(new PeerEvent.Up(greeting), stop).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return false;
        }
        catch (PeerException e) when (e is { IsTransient: false, Fault: not PeerFault.Malformed })
        {
            Park(e.Message);
            await TellDownAsync(new PeerEvent.Down(e.Message, IsParked: true), stop).ConfigureAwait(false);
            return false;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            await deadline.CancelAsync().ConfigureAwait(false);
            Failed(began);
            if (_isUp != false)
            {
                Log.PeerDown(logger, e.Message);
            }

            await TellDownAsync(new PeerEvent.Down(e.Message, IsParked: false), stop).ConfigureAwait(false);
            return false;
        }
    }

    /// <summary>It is there, and only a person can settle what stands between us: knocking more often would be a storm and help nobody.</summary>
    private void Park(string problem)
    {
        bool opens;
        lock (_lock)
        {
            _isTroubled = true;
            opens = _gate.Park(clock.Now, _knocksSinceChange is null ? Knock : Settling.After((++_knocksSinceChange).Value));
        }

        if (opens)
        {
            metrics.GateOpened();
        }

        if (_parkedFor != problem)
        {
            _parkedFor = problem;
            Log.PeerParked(logger, (int)Knock.TotalMinutes, problem);
        }
    }

    private async ValueTask TellDownAsync(PeerEvent.Down news, CancellationToken stop)
    {
        _isUp = false;
        try
        {
            await sink(news, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }
}
