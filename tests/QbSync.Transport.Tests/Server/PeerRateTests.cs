using Microsoft.Extensions.Time.Testing;
using QbSync.Transport.Server;

namespace QbSync.Transport.Tests.Server;

/// <summary>A peer's granted rate: what its streams may send together in any time, in virtual time.</summary>
internal sealed class PeerRateTests
{
    private const long Mebibyte = 1 << 20;
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);
    private readonly FakeTimeProvider _time = new();
    private long? _rate = Mebibyte;

    [SetUp]
    public void SetUp() => _rate = Mebibyte;

    [TestCase(1)]
    [TestCase(4)]
    public void Streams_ThatTakeAllTheyGet_StayAtTheRateTogether(int streams)
    {
        var (budget, rate) = (new ReceiveBudget(512 * Mebibyte, 16 * Mebibyte, _time), new PeerRate(() => _rate, _time));
        var shares = Enumerable.Range(0, streams).Select(_ => budget.Open(() => { }, rate)).ToArray();
        Assert.That(Run(budget, shares, TimeSpan.FromSeconds(30)), Is.InRange(29 * Mebibyte, 31 * Mebibyte));
    }

    [Test]
    public void Rate_Changed_CountsFromThenOn()
    {
        var (budget, rate) = (new ReceiveBudget(512 * Mebibyte, 16 * Mebibyte, _time), new PeerRate(() => _rate, _time));
        var share = budget.Open(() => { }, rate);
        Run(budget, [share], TimeSpan.FromSeconds(5));
        _rate = 8 * Mebibyte;
        Assert.That(Run(budget, [share], TimeSpan.FromSeconds(10)), Is.InRange(76 * Mebibyte, 84 * Mebibyte));
        _rate = null;
        Assert.That(Run(budget, [share], Step + Step), Is.GreaterThanOrEqualTo(16 * Mebibyte));
    }

    [Test]
    public void Stream_ClosedAndOpenedAgain_GetsNothingAheadOfTime()
    {
        var (budget, rate) = (new ReceiveBudget(512 * Mebibyte, 16 * Mebibyte, _time), new PeerRate(() => _rate, _time));
        var received = 0L;
        for (var i = 0; i < 1000; i++)
        {
            var share = budget.Open(() => { }, rate);
            received += Run(budget, [share], Step);
            budget.Close(share);
        }

        Assert.That(received, Is.InRange(8 * Mebibyte, 11 * Mebibyte), "ten seconds");
    }

    [Test]
    public void Stream_OfAPeerWithoutARate_IsNotHeld()
    {
        _rate = null;
        var (budget, rate) = (new ReceiveBudget(512 * Mebibyte, 16 * Mebibyte, _time), new PeerRate(() => _rate, _time));
        Assert.That(budget.Read(budget.Open(() => { }, rate)).Granted, Is.EqualTo(16 * Mebibyte));
    }

    [Test]
    public void Credit_GivenBack_CanBeHadAgain()
    {
        var (budget, rate) = (new ReceiveBudget(512 * Mebibyte, 16 * Mebibyte, _time), new PeerRate(() => _rate, _time));
        var first = budget.Open(() => { }, rate);
        _time.Advance(TimeSpan.FromSeconds(1));
        var granted = budget.Read(first).Granted;
        Assert.That(budget.TryReturn(first, 0), Is.True);
        budget.Close(first);
        Assert.That(budget.Read(budget.Open(() => { }, rate)).Granted, Is.GreaterThanOrEqualTo(granted / 2));
    }

    /// <summary>Streams that use every credit at once, and a disk that is always done; bytes that came.</summary>
    private long Run(ReceiveBudget budget, BudgetShare[] shares, TimeSpan virtualTime)
    {
        var all = 0L;
        for (var passed = TimeSpan.Zero; passed < virtualTime; passed += Step)
        {
            foreach (var share in shares)
            {
                var (received, granted, _) = budget.Read(share);
                if (granted > received && budget.TryReceive(share, granted - received))
                {
                    all += granted - received;
                    budget.Release(share, granted - received);
                }
            }

            _time.Advance(Step);
        }

        return all;
    }
}
