using Microsoft.Extensions.Logging;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Shared;

/// <summary>
/// Looks at the client until a change shows: what a client answers 200 to is not done until a read says so. One poller asks for all who wait, so a
/// thousand waiters cost sixteen calls a look. Only answers count that were asked for after the wait began, and waits begin after the change was
/// answered. Failures of the client are thrown, so that an outage never counts as "not done". Thread-safe.
/// </summary>
internal sealed partial class ReadBack(ITorrentClient client, TimeProvider time, ILogger<ReadBack> logger) : IAsyncDisposable
{
    /// <summary>Most ids of one call, as the port allows.</summary>
    private const int IdsPerCall = 64;

    /// <summary>Who is due this soon is looked at with who is due now.</summary>
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _end = new();
    private readonly List<Waiter> _waiters = [];
    private TaskCompletionSource _wake = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _poller = Task.CompletedTask;

    /// <summary>
    /// Looks after 100 ms, 250 ms, then every 500 ms, until <paramref name="holds"/> says yes. A torrent that the client does not know is null.
    /// </summary>
    /// <returns>Whether it held in time, and what was seen last. That it did not is logged.</returns>
    public Task<(bool Held, TorrentStatus? Seen)> UntilAsync(
        ClientChange change, ClientTorrentId id, Func<TorrentStatus?, bool> holds, CancellationToken cancellationToken) =>
        UntilAsync(change, id, (status, _) => holds(status), cancellationToken);

    /// <summary>As the other; <paramref name="holds"/> is told when the answer was asked for, too, by the clock's timestamps.</summary>
    public async Task<(bool Held, TorrentStatus? Seen)> UntilAsync(
        ClientChange change, ClientTorrentId id, Func<TorrentStatus?, long, bool> holds, CancellationToken cancellationToken)
    {
        var waiter = new Waiter(id, holds, new LookTimes(change.Within), time.GetTimestamp());
        lock (_gate)
        {
            // A phase may come here while its engine stops.
            _end.Token.ThrowIfCancellationRequested();
            _waiters.Add(waiter);
            if (_poller.IsCompleted)
            {
                _poller = Task.Run(PollAsync, CancellationToken.None);
            }
            else
            {
                _wake.TrySetResult();
            }
        }

        await using var cancelled = cancellationToken.Register(() => waiter.End.TrySetCanceled(cancellationToken)).ConfigureAwait(false);
        var end = await waiter.End.Task.ConfigureAwait(false);
        if (!end.Held)
        {
            Log.NotSeen(logger, change.Verb, id, change.Within.TotalSeconds);
        }

        return end;
    }

    /// <summary>Ends the poller; who still waits is cancelled.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        Task poller;
        lock (_gate)
        {
            // Who comes from now on is refused, so none begins after this one.
            poller = _poller;
        }

        await poller.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task PollAsync()
    {
        while (true)
        {
            Task wake;
            TimeSpan delay;
            List<Waiter> due = [];
            lock (_gate)
            {
                if (_end.IsCancellationRequested)
                {
                    _waiters.ForEach(waiter => waiter.End.TrySetCanceled(_end.Token));
                }

                _waiters.RemoveAll(static waiter => waiter.End.Task.IsCompleted);
                if (_waiters.Count == 0)
                {
                    _poller = Task.CompletedTask;
                    return;
                }

                delay = _waiters.Min(DueIn);
                if (delay <= TimeSpan.Zero)
                {
                    due.AddRange(_waiters.Where(waiter => DueIn(waiter) <= Together));
                }

                if (_wake.Task.IsCompleted)
                {
                    _wake = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }

                wake = _wake.Task;
            }

            if (due.Count > 0)
            {
                await LookAsync(due).ConfigureAwait(false);
                continue;
            }

            using var rest = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
            await Task.WhenAny(wake, Task.Delay(delay, time, rest.Token)).ConfigureAwait(false);
            await rest.CancelAsync().ConfigureAwait(false);
        }
    }

    private TimeSpan DueIn(Waiter waiter) => waiter.Times.Next - time.GetElapsedTime(waiter.Began);

    private async Task LookAsync(List<Waiter> due)
    {
        foreach (var group in due.GroupBy(static waiter => waiter.Id).Chunk(IdsPerCall))
        {
            var askedAt = time.GetTimestamp();
            try
            {
                var answer = await client.GetAsync([.. group.Select(static one => one.Key)], _end.Token).ConfigureAwait(false);
                foreach (var waiter in group.SelectMany(static one => one))
                {
                    waiter.Look(answer.FirstOrDefault(status => status.Id == waiter.Id), askedAt, time.GetElapsedTime(waiter.Began));
                }
            }
            catch (Exception e)
            {
                foreach (var waiter in group.SelectMany(static one => one))
                {
                    waiter.End.TrySetException(e);
                }
            }
        }
    }

    private sealed class Waiter(ClientTorrentId id, Func<TorrentStatus?, long, bool> holds, LookTimes times, long began)
    {
        public ClientTorrentId Id => id;

        public LookTimes Times => times;

        public long Began => began;

        public TaskCompletionSource<(bool Held, TorrentStatus? Seen)> End { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Look(TorrentStatus? status, long askedAt, TimeSpan elapsed)
        {
            try
            {
                if (holds(status, askedAt))
                {
                    End.TrySetResult((true, status));
                }
                else if (times.Looked(elapsed))
                {
                    End.TrySetResult((false, status));
                }
            }
            catch (Exception e)
            {
                End.TrySetException(e);
            }
        }
    }
}
