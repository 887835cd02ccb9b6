using System.Runtime.CompilerServices;
using Microsoft.Extensions.Time.Testing;

namespace QbSync.Testing.Waiting;

/// <summary>
/// Moves a virtual clock only while nobody works: between two steps every task that the last one woke has come to its next wait. So what is measured in
/// virtual time does not depend on how fast, or how busy, the machine is. All who wait on one clock share its steps, and who has waited long enough goes
/// on before the next one: a test that two of its tasks drive sees no more time pass than it asked for.
/// </summary>
public sealed class VirtualTime
{
    private static readonly ConditionalWeakTable<FakeTimeProvider, VirtualTime> Clocks = [];

    private readonly Lock _gate = new();
    private readonly FakeTimeProvider _time;
    private readonly List<Wait> _waits = [];
    private bool _runs;

    private VirtualTime(FakeTimeProvider time) => _time = time;

    /// <summary>Lets time pass until the condition holds; it is looked at while nobody works.</summary>
    /// <param name="time">The clock to move.</param>
    /// <param name="condition">What is waited for.</param>
    /// <param name="step">How far to go, given the number of steps so far; of all who wait, the smallest step is made.</param>
    /// <param name="check">Throws when the wait is in vain.</param>
    /// <param name="what">Says what is waited for, when it does not come within two minutes of real time.</param>
    public static Task PassUntilAsync(FakeTimeProvider time, Func<bool> condition, Func<int, TimeSpan> step, Action check, Func<string> what) =>
        Clocks.GetValue(time, static time => new VirtualTime(time)).AddAsync(new Wait(condition, step, check, what));

    private Task AddAsync(Wait wait)
    {
        lock (_gate)
        {
            _waits.Add(wait);
            if (!_runs)
            {
                _runs = true;

                // On a thread of its own: one of the pool would count as work.
                _ = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            }
        }

        return wait.Done.Task;
    }

    private void Run()
    {
        while (true)
        {
            Quiet.Await();
            Wait[] waits;
            lock (_gate)
            {
                waits = [.. _waits];
            }

            // What a wait that ended wakes has to come to rest before time goes on.
            if (Array.FindAll(waits, static wait => wait.HasEnded()) is { Length: > 0 } ended)
            {
                lock (_gate)
                {
                    _waits.RemoveAll(wait => Array.IndexOf(ended, wait) >= 0);
                    _runs = _waits.Count > 0;
                    if (!_runs)
                    {
                        return;
                    }
                }
            }
            else
            {
                Step(waits);
            }
        }
    }

    private void Step(Wait[] waits)
    {
        try
        {
            _time.Advance(waits.Min(static wait => wait.NextStep()));
        }
        catch (Exception error)
        {
            // What a timer throws, or the size of a step, is for those who wait: there is nobody else to tell.
            Array.ForEach(waits, wait => wait.Done.TrySetException(error));
        }
    }

    private sealed class Wait(Func<bool> condition, Func<int, TimeSpan> step, Action check, Func<string> what)
    {
        private readonly long _began = TimeProvider.System.GetTimestamp();
        private int _steps;

        /// <summary>Who waits goes on in the pool, so that its work counts.</summary>
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TimeSpan NextStep() => step(_steps++);

        public bool HasEnded()
        {
            try
            {
                if (!Done.Task.IsCompleted && condition())
                {
                    Done.TrySetResult();
                }
                else if (!Done.Task.IsCompleted)
                {
                    check();
                    if (TimeProvider.System.GetElapsedTime(_began) > TaskExtensions.Timeout)
                    {
                        Done.TrySetException(new TimeoutException($"Not true: {what()}"));
                    }
                }
            }
            catch (Exception error)
            {
                Done.TrySetException(error);
            }

            return Done.Task.IsCompleted;
        }
    }
}
