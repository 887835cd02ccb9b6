using Microsoft.Extensions.Time.Testing;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Scripted;

/// <summary>Steps of a virtual clock, made while nobody works. For what has no sockets, whose answers no thread of this process waits for.</summary>
internal static class ClockSteps
{
    private static readonly TimeSpan Tenth = TimeSpan.FromMilliseconds(100);

    /// <summary>Moves the clock on at once, and comes back when all that woke waits again.</summary>
    public static Task AdvanceAsync(this FakeTimeProvider time, TimeSpan by)
    {
        var end = time.GetUtcNow() + by;
        return VirtualTime.PassUntilAsync(time, () => time.GetUtcNow() >= end, _ => by, static () => { }, () => $"{by} pass");
    }

    /// <summary>Moves the clock on in tenths of a second until something is so.</summary>
    public static Task AdvanceUntilAsync(this FakeTimeProvider time, Func<bool> condition) =>
        VirtualTime.PassUntilAsync(time, condition, static _ => Tenth, static () => { }, static () => "what is waited for comes, however far the clock moves");
}
