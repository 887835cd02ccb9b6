using System.Runtime.CompilerServices;

namespace QbSync.Testing.Waiting;

/// <summary>Waits in real time for a condition that nobody signals. Never for a time alone.</summary>
public static class Eventually
{
    public static Task BecomesTrueAsync(
        Func<bool> condition,
        TimeSpan? timeout = null,
        [CallerArgumentExpression(nameof(condition))] string expression = "") =>
        BecomesTrueAsync(() => Task.FromResult(condition()), timeout, expression);

    public static async Task BecomesTrueAsync(
        Func<Task<bool>> condition,
        TimeSpan? timeout = null,
        [CallerArgumentExpression(nameof(condition))] string expression = "")
    {
        var limit = timeout ?? TaskExtensions.Timeout;
        var started = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (!await condition().WaitAsync(limit))
        {
            if (TimeProvider.System.GetElapsedTime(started) > limit)
            {
                throw new TimeoutException($"Not true within {limit.TotalSeconds} s: {expression}");
            }

            await timer.WaitForNextTickAsync();
        }
    }
}
