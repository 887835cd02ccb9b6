using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Shared;

/// <summary>
/// Looks at the client until a change shows: what a client answers 200 to is not done until a read says so. One poller asks for all who wait, so a
/// thousand waiters cost one call a look. Thread-safe.
/// </summary>
internal sealed class ReadBack(ITorrentClient client, TimeProvider time)
{
    /// <summary>Most ids of one call, as the port allows.</summary>
    private const int IdsPerCall = 64;

    private readonly Lock _gate = new();
    private readonly List<Waiter> _waiters = [];
    private TaskCompletionSource _wake = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _poller = Task.CompletedTask;

    /// <summary>
    /// Looks after 100 ms, 250 ms, then every 500 ms, until <paramref name="holds"/> says yes to an answer that was requested after this call began.
    /// A torrent that the client does not know is null. Failures of the client are thrown, so that an outage never counts as "not done".
    /// </summary>
    /// <returns>Whether it held within <paramref name="bound"/>, and what was seen last.</returns>
    public async Task<(bool Held, TorrentStatus? Seen)> UntilAsync(
        ClientTorrentId id, Func<TorrentStatus?, bool> holds, TimeSpan bound, CancellationToken cancellationToken)
    {
        var waiter = new Waiter(id, holds, bound, time.GetTimestamp());
        lock (_gate)
        {
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
        return await waiter.End.Task.ConfigureAwait(false);
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
                _waiters.RemoveAll(static waiter => waiter.End.Task.IsCompleted);
                if (_waiters.Count == 0)
                {
                    _poller = Task.CompletedTask;
                    return;
                }

                delay = _waiters.Min(waiter => waiter.NextLook - time.GetElapsedTime(waiter.Began));
                if (delay <= TimeSpan.Zero)
                {
                    due.AddRange(_waiters);
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

            using var rest = new CancellationTokenSource();
            await Task.WhenAny(wake, Task.Delay(delay, time, rest.Token)).ConfigureAwait(false);
            await rest.CancelAsync().ConfigureAwait(false);
        }
    }

    private async Task LookAsync(List<Waiter> due)
    {
        foreach (var group in due.GroupBy(static waiter => waiter.Id).Chunk(IdsPerCall))
        {
            try
            {
                var answer = await client.GetAsync([.. group.Select(static one => one.Key)], CancellationToken.None).ConfigureAwait(false);
                foreach (var waiter in group.SelectMany(static one => one))
                {
                    waiter.Look(answer.FirstOrDefault(status => status.Id == waiter.Id), time.GetElapsedTime(waiter.Began));
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

    private sealed class Waiter(ClientTorrentId id, Func<TorrentStatus?, bool> holds, TimeSpan bound, long began)
    {
        public ClientTorrentId Id => id;

        public long Began => began;

        public TimeSpan NextLook { get; private set; } = TimeSpan.FromMilliseconds(100);

        public TaskCompletionSource<(bool, TorrentStatus?)> End { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Look(TorrentStatus? status, TimeSpan elapsed)
        {
            NextLook = elapsed + TimeSpan.FromMilliseconds(NextLook.TotalMilliseconds < 110 ? 150 : 500);
            try
            {
                if (holds(status))
                {
                    End.TrySetResult((true, status));
                }
                else if (bound >= TimeSpan.Zero && elapsed >= bound)
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
