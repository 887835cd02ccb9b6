using Microsoft.Extensions.Logging;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;
using QbSync.Testing.Waiting;

namespace QbSync.Tests.Kit;

public sealed class WaitingTests
{
    [Test]
    public void BecomesTrueAsync_NeverTrue_NamesTheCondition() => Assert.That(
        () => Eventually.BecomesTrueAsync(() => Environment.ProcessId < 0, TimeSpan.FromMilliseconds(30)),
        Throws.TypeOf<TimeoutException>().With.Message.Contains("ProcessId"));

    [Test]
    public async Task BecomesTrueAsync_TrueAtLast_Returns()
    {
        var asked = 0;
        await Eventually.BecomesTrueAsync(() => ++asked == 3).DefaultTimeout();
        Assert.That(asked, Is.EqualTo(3));
    }

    [Test]
    public void Verify_UnexpectedError_Fails()
    {
        using var guard = new LogErrorGuard();
        guard.CreateLogger("a").Log(LogLevel.Error, new EventId(7, "Bad"), "x", null, static (state, _) => state);
        guard.Expect(7);
        guard.Verify();
        guard.CreateLogger("a").Log(LogLevel.Critical, new EventId(8, "Worse"), "y", null, static (state, _) => state);
        Assert.That(guard.Entries, Has.Count.EqualTo(2));
        using (new NUnit.Framework.Internal.TestExecutionContext.IsolatedContext())
        {
            Assert.That(guard.Verify, Throws.TypeOf<AssertionException>());
        }
    }

    [Test]
    public void Take_ManyPorts_AllDifferent() => Assert.That(Enumerable.Range(0, 20).Select(_ => FreePorts.Take()), Is.Unique);
}
