namespace QbSync.Testing.Waiting;

/// <summary>
/// Tells whether anybody in this process works. No time is measured: a thread that the machine does not let run is one that works, however long it lasts.
/// </summary>
internal static class Quiet
{
    /// <summary>Looks without a break between them that have to agree.</summary>
    private const int Looks = 2;

    /// <summary>As long as it was not found quiet that often by a look at every thread, a number of threads at work tells nothing: the runner's own come and go.</summary>
    private const int Lessons = 20;

    private static readonly Lock Gate = new();

    /// <summary>Names of threads, as the system shortens them.</summary>
    private static readonly string[] RuntimesOwn =
        ["(.NET Tiered", "(.NET TP Gate", "(.NET Timer", "(.NET SynchManag", "(.NET EventPipe", "(.NET SigHandler", "(.NET Finalizer"];

    /// <summary>A thread that never rests is no reason to wait for ever; longer than this no piece of work takes here.</summary>
    private static readonly TimeSpan LongestWork = TimeSpan.FromSeconds(60);

    /// <summary>Work is short as a rule: only what takes longer is worth the millisecond that a sleep takes.</summary>
    private static readonly TimeSpan ShortWork = TimeSpan.FromMilliseconds(1);

    /// <summary>Threads of the pool that the test runner itself keeps waiting: the fewest that were ever seen at work.</summary>
    private static int _foreign = int.MaxValue;

    private static int _lessons;

    /// <summary>Returns when no thread of the pool works and nothing is queued for one. Not to be called from the pool.</summary>
    public static void Await()
    {
        // One at a time: another one who looks here would be seen at work.
        lock (Gate)
        {
            var spin = default(SpinWait);
            var waited = TimeSpan.Zero;
            for (var (agree, last) = (0, Sample()); agree < Looks && waited < LongestWork;)
            {
                var began = TimeProvider.System.GetTimestamp();
                var now = Sample();
                agree = now == last && now.IsQuiet(waited) ? agree + 1 : 0;
                last = now;
                if (agree == 0)
                {
                    spin.SpinOnce(sleep1Threshold: waited < ShortWork ? -1 : 0);
                }

                // A process that was stopped has not waited.
                var took = TimeProvider.System.GetElapsedTime(began);
                waited += took < TimeSpan.FromMilliseconds(5) ? took : TimeSpan.FromMilliseconds(5);
            }
        }
    }

    private static Work Sample()
    {
        ThreadPool.GetMaxThreads(out var most, out _);
        ThreadPool.GetAvailableThreads(out var idle, out _);
        return new Work(most - idle, ThreadPool.PendingWorkItemCount, ThreadPool.CompletedWorkItemCount);
    }

    /// <summary>
    /// Whether every other thread of this process waits for something: none runs, may run, or waits for a disk. What the runtime does for itself, as to compile
    /// anew in the background, is nobody's work.
    /// </summary>
    private static bool OthersSleep()
    {
        var self = Path.GetFileName(File.ResolveLinkTarget("/proc/thread-self", returnFinalTarget: false)!.FullName);
        foreach (var thread in Directory.GetDirectories("/proc/self/task"))
        {
            if (Path.GetFileName(thread) != self && IsAwake(thread))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsAwake(string thread)
    {
        try
        {
            var stat = File.ReadAllText(Path.Combine(thread, "stat"));
            return stat[stat.LastIndexOf(')') + 2] is 'R' or 'D' && !Array.Exists(RuntimesOwn, name => stat.Contains(name, StringComparison.Ordinal));
        }
        catch (IOException)
        {
            // It has ended since it was listed.
            return false;
        }
    }

    private readonly record struct Work(int Busy, long Pending, long Completed)
    {
        public bool IsQuiet(TimeSpan waited)
        {
            _foreign = Math.Min(_foreign, Busy);
            if (Pending > 0 || (Busy == _foreign && _lessons >= Lessons))
            {
                return Pending == 0;
            }

            // Tests, too, may keep threads of the pool waiting. What is as short as most work is not worth the look.
            if (waited < ShortWork || !OthersSleep())
            {
                return false;
            }

            _lessons = Math.Min(_lessons + 1, Lessons);
            return true;
        }
    }
}
