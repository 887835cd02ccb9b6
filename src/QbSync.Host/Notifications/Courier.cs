using System.Threading.Channels;

namespace QbSync.Host.Notifications;

/// <summary>What became of a delivery's try.</summary>
/// <param name="End">How the delivery ended; null when it is tried again.</param>
/// <param name="Again">After how long.</param>
internal readonly record struct TryEnd(DeliveryEnd? End, TimeSpan Again = default);

/// <summary>
/// Takes deliveries from a bounded queue to their receivers, so many at once. Who posts waits for nothing, whatever a receiver does. Stopped, it goes on for a
/// moment with what is due by then, and counts what is left.
/// </summary>
/// <param name="atOnce">Tries at once.</param>
/// <param name="tryAsync">Tries one; throws only when it is cancelled.</param>
internal sealed class Courier(
    int atOnce, Func<Delivery, CancellationToken, Task<TryEnd>> tryAsync, NotificationMetrics.Channel metrics, TimeProvider time) : IAsyncDisposable
{
    /// <summary>Deliveries that wait at most.</summary>
    public const int Capacity = 1000;

    /// <summary>How long what is left is still tried when the role stops.</summary>
    public static readonly TimeSpan Flush = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly DeliveryQueue _queue = new(Capacity);
    private readonly long _began = time.GetTimestamp();
    private readonly CancellationTokenSource _ends = new();
    private readonly Channel<bool> _news = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite }); // one says all
    private Task _running = Task.CompletedTask;
    private long _number;
    private int _underWay;
    private TimeSpan? _deadline;
    private bool _isOver;

    private TimeSpan Now => time.GetElapsedTime(_began);

    /// <summary>Begins. Call once.</summary>
    public void Start() => _running = Task.Run(RunAsync);

    /// <summary>Has a receiver told, and returns at once. From any thread.</summary>
    public void Post(string receiver, Notification told)
    {
        lock (_gate)
        {
            if (_isOver)
            {
                metrics.Ended(DeliveryEnd.Unsent);
                return;
            }

            Keep_NeedsLock(new Delivery(receiver, told, ++_number, 0, Now));
        }

        _news.Writer.TryWrite(true);
    }

    /// <summary>Ends it, after the last tries; the second time it does nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_deadline is not null)
            {
                return;
            }

            var deadline = Now + Flush;
            _deadline = deadline;
            metrics.Ended(DeliveryEnd.Unsent, _queue.RemoveLaterThan(deadline));
            metrics.Waiting(_queue.Count);
        }

        _news.Writer.TryWrite(true);
        using var limit = new CancellationTokenSource(Flush, time);
        await using (limit.Token.Register(_ends.Cancel))
        {
            await _running;
        }

        lock (_gate)
        {
            _isOver = true;
            metrics.Ended(DeliveryEnd.Unsent, _queue.RemoveLaterThan(TimeSpan.MinValue));
            metrics.Waiting(0);
        }

        _ends.Dispose();
    }

    private async Task RunAsync()
    {
        HashSet<Task> tries = [];
        while (!_ends.IsCancellationRequested)
        {
            tries.RemoveWhere(static one => one.IsCompleted);
            while (Take() is { } delivery)
            {
                tries.Add(Task.Run(() => TryAsync(delivery)));
            }

            if (FindWait() is not { } wait)
            {
                break;
            }

            await WaitForNewsAsync(wait);
        }

        await Task.WhenAll(tries);
    }

    private Delivery? Take()
    {
        lock (_gate)
        {
            if (_underWay == atOnce || _queue.Take(Now) is not { } delivery)
            {
                return null;
            }

            _underWay++;
            metrics.Waiting(_queue.Count);
            return delivery;
        }
    }

    /// <summary>How long nothing is due; null when nothing will come any more.</summary>
    private TimeSpan? FindWait()
    {
        lock (_gate)
        {
            if (_deadline is not null && _queue.Count == 0 && _underWay == 0)
            {
                _isOver = true;
                return null;
            }

            // With all hands full the end of a try is the next news. Timers count whole milliseconds: what is rounded down would be looked at too early.
            return _underWay == atOnce || _queue.NextDue is not { } due ? Timeout.InfiniteTimeSpan
                : TimeSpan.FromMilliseconds(Math.Max(0, Math.Ceiling((due - Now).TotalMilliseconds)));
        }
    }

    private async Task WaitForNewsAsync(TimeSpan wait)
    {
        using var due = new CancellationTokenSource(wait, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(due.Token, _ends.Token);
        try
        {
            await _news.Reader.ReadAsync(both.Token);
        }
        catch (OperationCanceledException)
        {
            // Something is due, or all is over.
        }
    }

    private async Task TryAsync(Delivery delivery)
    {
        metrics.Tried();
        TryEnd end;
        try
        {
            end = await tryAsync(delivery, _ends.Token);
        }
        catch (Exception) when (_ends.IsCancellationRequested)
        {
            end = new TryEnd(DeliveryEnd.Unsent); // cancelled, in whatever way that shows
        }

        lock (_gate)
        {
            _underWay--;
            _queue.Ended(delivery);
            if (end.End is { } ended)
            {
                metrics.Ended(ended);
            }
            else if (Now + end.Again > _deadline)
            {
                metrics.Ended(DeliveryEnd.Unsent);
            }
            else
            {
                Keep_NeedsLock(delivery with { Tries = delivery.Tries + 1, DueAt = Now + end.Again });
            }
        }

        _news.Writer.TryWrite(true);
    }

    private void Keep_NeedsLock(Delivery delivery)
    {
        if (_queue.Add(delivery) is not null)
        {
            metrics.Ended(DeliveryEnd.Dropped);
        }

        metrics.Waiting(_queue.Count);
    }
}
