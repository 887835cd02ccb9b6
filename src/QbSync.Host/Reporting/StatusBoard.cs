using QbSync.Ports;

namespace QbSync.Host.Reporting;

/// <summary>
/// The status of a role: made anew once a second from what the engine published, swapped whole, and kept for a minute. Who reads it waits for nobody, and nobody
/// waits for who reads it. Thread-safe.
/// </summary>
internal sealed class StatusBoard : IAsyncDisposable
{
    /// <summary>How far back a reader that was away can go on.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private readonly StatusFacts _facts;
    private readonly TimeProvider _time;
    private readonly StatusMaker _maker;
    private readonly StandingChecks _checks;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly Queue<StatusSnapshot> _kept = new();
    private readonly long _origin;
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task<ClientDescription?> _describing = Task.FromResult<ClientDescription?>(null);
    private Task _running = Task.CompletedTask;
    private volatile StatusSnapshot _current;

    public StatusBoard(StatusFacts facts, TimeProvider time)
    {
        (_facts, _time, _origin) = (facts, time, time.GetTimestamp());
        _maker = new StatusMaker(facts, time.GetUtcNow());
        _checks = new StandingChecks(facts.Checks, time);
        _current = Make();
        _kept.Enqueue(_current);

        // By it a reader of an earlier process is told from one of this.
        Origin = time.GetUtcNow().ToUnixTimeMilliseconds();
    }

    public long Origin { get; }

    public StatusSnapshot Current => _current;

    public void Start() => _running = Task.Run(() => RunAsync(_stop.Token), CancellationToken.None);

    /// <summary>Makes one now, besides those of each second.</summary>
    public void Refresh()
    {
        TaskCompletionSource next;
        lock (_gate)
        {
            _current = Make();
            _kept.Enqueue(_current);
            while (_kept.Count > (int)(Kept / Interval))
            {
                _kept.Dequeue();
            }

            (next, _next) = (_next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        next.TrySetResult();
    }

    /// <summary>The snapshot of that number, if it is not too long ago.</summary>
    public StatusSnapshot? Find(long number)
    {
        lock (_gate)
        {
            return _kept.FirstOrDefault(snapshot => snapshot.Number == number);
        }
    }

    /// <summary>Waits for one that is newer.</summary>
    public async Task<StatusSnapshot> NextAsync(StatusSnapshot after, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task next;
            lock (_gate)
            {
                if (_current.Number > after.Number)
                {
                    return _current;
                }

                next = _next.Task;
            }

            await next.WaitAsync(cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Interval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                Refresh();
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    private StatusSnapshot Make()
    {
        // Asked once it let the engine in, when it has the answer at hand; and again only if that went wrong.
        if (_describing is { IsCompleted: true, IsCompletedSuccessfully: false } or { IsCompletedSuccessfully: true, Result: null }
            && _facts is { Client: { } client } && _facts.Engine() is { ClientOk: true })
        {
            _describing = DescribeAsync(client, _stop.Token);
        }

        return new StatusSnapshot(
            _current is { } before ? before.Number + 1 : 1,
            _maker.Make(_time.GetUtcNow(), _time.GetElapsedTime(_origin), _checks.Look(), _describing is { IsCompletedSuccessfully: true } told ? told.Result : null));
    }

    private static async Task<ClientDescription?> DescribeAsync(ITorrentClient client, CancellationToken cancellationToken)
    {
        try
        {
            return await Task.Run(() => client.DescribeAsync(refresh: false, cancellationToken).AsTask(), cancellationToken);
        }
        catch (TorrentClientException)
        {
            return null;
        }
    }
}
