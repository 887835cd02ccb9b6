using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;
using QbSync.Testing.Waiting;

namespace QbSync.Engine.Tests.Shared;

/// <summary>What every test on virtual time rests on.</summary>
[TestFixture]
internal sealed class VirtualTimeTests
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    [Test]
    public async Task Clock_WhileAThreadOfThePoolWorks_StandsStill()
    {
        var time = new FakeTimeProvider();
        var moved = Timeout.InfiniteTimeSpan;
        var work = Task.Delay(Step, time).ContinueWith(
            _ =>
            {
                var began = time.GetUtcNow();
                var bytes = new byte[1 << 20];
                for (var i = 0; i < 20; i++)
                {
                    SHA256.HashData(bytes, bytes);
                }

                moved = time.GetUtcNow() - began;
            },
            CancellationToken.None,
            TaskContinuationOptions.None,
            TaskScheduler.Default);

        await PassUntilAsync(time, () => work.IsCompleted);

        Assert.That(moved, Is.EqualTo(TimeSpan.Zero));
    }

    [Test]
    public async Task Clock_WhileAThreadOfThePoolWaits_GoesOn()
    {
        var time = new FakeTimeProvider();
        using var goOn = new ManualResetEvent(false);
        var waiting = Task.Run(goOn.WaitOne);
        var ends = time.GetUtcNow() + (100 * Step);

        await PassUntilAsync(time, () => time.GetUtcNow() >= ends);

        Assert.That(waiting.IsCompleted, Is.False);
        goOn.Set();
        await waiting.DefaultTimeout();
    }

    private static Task PassUntilAsync(FakeTimeProvider time, Func<bool> condition) =>
        VirtualTime.PassUntilAsync(time, condition, static _ => Step, static () => { }, static () => "what is waited for");
}
