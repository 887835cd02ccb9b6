using Microsoft.Extensions.Time.Testing;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>
/// Moves a virtual clock only while nobody works: between two steps every task that the last one woke has come to its next wait. So what is measured in
/// virtual time does not depend on how fast, or how busy, the machine is.
/// </summary>
internal static class VirtualTime
{
    private static readonly TimeSpan LongestTest = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LongestWork = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Stuck = TimeSpan.FromMilliseconds(300);

    /// <summary>Threads of the pool that the test runner itself keeps waiting: the fewest that were seen at work, until more end nothing for long.</summary>
    private static int _foreign = int.MaxValue;

    /// <param name="step">How far to go, given the number of steps so far.</param>
    /// <param name="check">Throws when the wait is in vain.</param>
    /// <param name="what">What is waited for, when it does not come within two minutes of real time.</param>
    public static Task PassUntilAsync(FakeTimeProvider time, Func<bool> condition, Func<int, TimeSpan> step, Action check, Func<string> what) =>
        // On a thread of its own: one of the pool would count as work.
        Task.Factory.StartNew(
            () => Pass(time, condition, step, check, what), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static void Pass(FakeTimeProvider time, Func<bool> condition, Func<int, TimeSpan> step, Action check, Func<string> what)
    {
        var began = TimeProvider.System.GetTimestamp();
        Settle();
        for (var steps = 0; !condition(); steps++)
        {
            check();
            if (TimeProvider.System.GetElapsedTime(began) > LongestTest)
            {
                throw new TimeoutException($"Not true: {what()}");
            }

            time.Advance(step(steps));
            Settle();
        }
    }

    /// <summary>Waits until no thread of the pool works and nothing is queued for one.</summary>
    private static void Settle()
    {
        var began = TimeProvider.System.GetTimestamp();
        var spin = default(SpinWait);
        var (stuckSince, completed) = (began, ThreadPool.CompletedWorkItemCount);
        for (var quiet = 0; quiet < 2 && TimeProvider.System.GetElapsedTime(began) < LongestWork;)
        {
            var busy = CountBusy();
            if (ThreadPool.CompletedWorkItemCount is var now && now != completed)
            {
                (stuckSince, completed) = (TimeProvider.System.GetTimestamp(), now);
            }

            if (busy < _foreign || TimeProvider.System.GetElapsedTime(stuckSince) > Stuck)
            {
                _foreign = busy;
            }

            quiet = busy <= _foreign && ThreadPool.PendingWorkItemCount == 0 ? quiet + 1 : 0;
            if (quiet == 0)
            {
                spin.SpinOnce(sleep1Threshold: -1);
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
