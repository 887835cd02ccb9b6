using Microsoft.Extensions.Time.Testing;

namespace QbSync.QBittorrent.Tests.Scripted;

/// <summary>
/// Lets a virtual clock move only while nobody works: between two steps whatever the last one woke has come to its next wait. So it does not matter for
/// what is measured in virtual time how long any thread stands still. Only for what has no sockets, whose answers no thread of this process waits for.
/// </summary>
internal static class Idleness
{
    private const int NapsOfTheUnknown = 3000;
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(2);

    /// <summary>Threads of the pool that the test runner keeps waiting: the fewest that were ever seen at work.</summary>
    private static int _foreign = int.MaxValue;

    /// <summary>Runs what moves a clock on a thread of its own: one of the pool would count as work. It is given what waits for idleness.</summary>
    /// <param name="isWaitedFor">Whether the caller's thread does nothing but wait for the end; else it goes back to where it came from.</param>
    public static Task RunAsync(Action<Action> move, bool isWaitedFor = false)
    {
        var blocked = isWaitedFor && Thread.CurrentThread.IsThreadPoolThread ? 1 : 0;
        return Task.Factory.StartNew(() => move(() => Wait(blocked)), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Moves the clock on at once, and comes back when all that woke waits again.</summary>
    public static Task AdvanceAsync(this FakeTimeProvider time, TimeSpan by) => RunAsync(wait =>
    {
        wait();
        time.Advance(by);
        wait();
    });

    /// <summary>Moves the clock on in tenths of a second until something is so.</summary>
    public static Task AdvanceUntilAsync(this FakeTimeProvider time, Func<bool> condition) => RunAsync(wait =>
    {
        var began = TimeProvider.System.GetTimestamp();
        for (wait(); !condition(); wait())
        {
            if (TimeProvider.System.GetElapsedTime(began) > LongestWait)
            {
                throw new TimeoutException("What is waited for does not come, however far the clock moves.");
            }

            time.Advance(TimeSpan.FromMilliseconds(100));
        }
    });

    private static void Wait(int blocked)
    {
        using var nap = new ManualResetEventSlim();
        var (naps, completed) = (0, ThreadPool.CompletedWorkItemCount);
        for (var quiet = 0; quiet < 2;)
        {
            var busy = CountBusy() - blocked;
            if (busy < _foreign)
            {
                // The first time there is nothing yet to compare with, so it takes another look.
                (quiet, _foreign) = (0, busy);
            }

            if (busy == _foreign && ThreadPool.PendingWorkItemCount == 0)
            {
                quiet++;
                continue;
            }

            quiet = 0;
            nap.Wait(1);
            if (ThreadPool.CompletedWorkItemCount is var now && now != completed)
            {
                (naps, completed) = (0, now);
            }
            else if (++naps == NapsOfTheUnknown)
            {
                // Nothing has ended for seconds, in which this thread was at work all along: one more of the runner's has begun to wait.
                (naps, _foreign) = (0, busy);
            }
        }
    }

    private static int CountBusy()
    {
        ThreadPool.GetMaxThreads(out var most, out _);
        ThreadPool.GetAvailableThreads(out var idle, out _);
        return most - idle;
    }
}
