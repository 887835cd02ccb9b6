using Microsoft.Extensions.Time.Testing;
using QbSync.Engine.Shared;
using QbSync.Engine.Source.Cleanup;
using QbSync.Engine.Source.Handoff;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.Cleanup;

[TestFixture, FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class DeleteTurnsTests
{
    private const long Limit = 1000;
    private readonly FakeTimeProvider _time = new();
    private readonly DeleteTurns _turns;

    public DeleteTurnsTests() => _turns = new DeleteTurns(new MonotonicClock(_time), Limit);

    [Test, SourceCase(102)]
    public async Task Turn_OneByOne_TheNextWhenHalfIsVisible()
    {
        var (first, second) = (Begin(1), Begin(2));
        See(900);
        var (one, two) = (Wait(first), Wait(second));
        Assert.That(await one.DefaultTimeout(), Is.True);
        Assert.That(two.IsCompleted, Is.False);

        _turns.OnDeleted(first);
        _turns.Ended(first);
        See(949);
        Assert.That(two.IsCompleted, Is.False, "less than half");
        Assert.That(_turns.GetExpected(), Is.EqualTo(new Dictionary<ulong, long> { [1] = 200 }), "what is not visible yet is still to come");
        See(950);
        Assert.That(await two.DefaultTimeout(), Is.True);
        Assert.That(_turns.GetExpected(), Is.EqualTo(new Dictionary<ulong, long> { [1] = 100 }));
    }

    [Test]
    public async Task Turn_OthersWriteMeanwhile_TheRiseCountsFromTheLowest()
    {
        var (first, second) = (Begin(1), Begin(2));
        See(900);
        Assert.That(await Wait(first).DefaultTimeout(), Is.True);
        var two = Wait(second);
        _turns.OnDeleted(first);
        See(500);
        See(560);
        Assert.That(await two.DefaultTimeout(), Is.True);
    }

    [Test, SourceCase(103)]
    public async Task Turn_SpaceNotReleased_TheRestWaitsTenMinutes()
    {
        var (first, second) = (Begin(1), Begin(2));
        See(900);
        Assert.That(await Wait(first).DefaultTimeout(), Is.True);
        var two = Wait(second);
        _turns.OnDeleted(first);
        _time.Advance(DeleteTurns.Patience - TimeSpan.FromSeconds(1));
        Assert.That(See(900), Is.Empty);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(See(900), Is.EqualTo(new[] { 1UL }));
        Assert.That(_turns.IsResting(1), Is.True);

        _time.Advance(DeleteTurns.Rest - TimeSpan.FromSeconds(1));
        See(900);
        Assert.That(two.IsCompleted, Is.False);
        _time.Advance(TimeSpan.FromSeconds(1));
        See(900);
        Assert.That(await two.DefaultTimeout(), Is.True);
        Assert.That(_turns.IsResting(1), Is.False);
    }

    [Test, SourceCase(101)]
    public async Task Turn_SpaceUnknown_NobodyDeletesAndAfterAWhileItGoesBack()
    {
        var group = Begin(1);
        See(null);
        var turn = Wait(group);
        _time.Advance(TimeSpan.FromMinutes(9));
        See(null);
        Assert.That(turn.IsCompleted, Is.False);
        _time.Advance(TimeSpan.FromMinutes(1));
        See(null);
        Assert.That(await turn.DefaultTimeout(), Is.False);
    }

    [Test]
    public async Task Turn_SpaceIsThereByNow_GoesBack()
    {
        var group = Begin(1);
        See(Limit * 11 / 10);
        Assert.That(await Wait(group).DefaultTimeout(), Is.False);
    }

    [Test]
    public async Task Turn_OfOneThatTurnsBack_IsTheNextOnes()
    {
        var (first, second) = (Begin(1), Begin(2));
        See(900);
        Assert.That(await Wait(first).DefaultTimeout(), Is.True);
        Assert.That(await Wait(first).DefaultTimeout(), Is.True, "a delete that failed keeps its turn");
        var two = Wait(second);
        _turns.Ended(first);
        Assert.That(await two.DefaultTimeout(), Is.True);
    }

    [Test]
    public async Task Turn_Cancelled_IsNotHeld()
    {
        using CancellationTokenSource cancel = new();
        var (first, second) = (Begin(1), Begin(2));
        var one = _turns.WaitAsync(first, cancel.Token);
        await cancel.CancelAsync();
        Assert.That(async () => await one.DefaultTimeout(), Throws.InstanceOf<OperationCanceledException>());
        See(900);
        Assert.That(await Wait(second).DefaultTimeout(), Is.True);
    }

    [Test]
    public async Task Turn_OtherFileSystem_IsNotWaitedFor()
    {
        var (first, other) = (Begin(1), Begin(2, device: 2));
        _turns.See([new SpaceState(1, 900, true, ""), new SpaceState(2, 900, true, "")]);
        Assert.That(await Wait(first).DefaultTimeout(), Is.True);
        Assert.That(await Wait(other).DefaultTimeout(), Is.True);
    }

    [TestCase(HandoffCause.Seeded), TestCase(HandoffCause.Drain)]
    public async Task Turn_WithoutPressure_IsAtOnce(object cause)
    {
        HandoffGroup group = new([Id(1)], (HandoffCause)cause, 100);
        Assert.That(await Wait(group).DefaultTimeout(), Is.True);
        Assert.That(await Wait(new HandoffGroup([Id(2)], (HandoffCause)cause, 100)).DefaultTimeout(), Is.True);
    }

    [Test]
    public async Task Turn_OfAnEarlierProcess_IsOneAmongTheOthers()
    {
        HandoffGroup known = new([Id(1)], HandoffCause.Pressure, 100);
        var turn = Wait(known);
        Assert.That(turn.IsCompleted, Is.False);
        See(900);
        Assert.That(await turn.DefaultTimeout(), Is.True);
        var next = Wait(Begin(2));
        Assert.That(next.IsCompleted, Is.False);
        _turns.OnDeleted(known);
        See(1000);
        Assert.That(await next.DefaultTimeout(), Is.True);
    }

    private Task<bool> Wait(HandoffGroup group) => _turns.WaitAsync(group, CancellationToken.None);

    private IReadOnlyList<ulong> See(long? free) => _turns.See([new SpaceState(1, free, true, "")]);

    private HandoffGroup Begin(byte number, ulong device = 1)
    {
        HandoffGroup group = new([Id(number)], HandoffCause.Pressure, 100);
        _turns.Register(group, device, new Dictionary<ulong, long> { [device] = 100 });
        return group;
    }

    private static InfoHash Id(byte number) => InfoHash.Parse(Convert.ToHexStringLower([.. Enumerable.Repeat(number, 20)]));
}
