using QbSync.Engine.Source.Tracking;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.Tracking;

[TestFixture]
internal sealed class RemovalJudgeTests
{
    [Test]
    public void Removal_ByName_IsBelievedAtOnce()
    {
        var judge = new RemovalJudge();

        Assert.That(judge.Judge(ClientUpdateKind.Delta, Known((1, true), (2, false), (3, false)), Listed(2, 3), 2, default), Is.EqualTo([Id(1)]));
    }

    [Test]
    public void Removal_ByAbsence_NeedsTwoLooksTenSecondsApart()
    {
        var judge = new RemovalJudge();
        var known = Known((1, false), (2, false), (3, false));
        Assert.That(judge.Judge(ClientUpdateKind.Full, known, Listed(2, 3), 2, default), Is.Empty);
        Assert.That(judge.Judge(ClientUpdateKind.Full, known, Listed(2, 3), 2, TimeSpan.FromSeconds(9)), Is.Empty);
        Assert.That(judge.Judge(ClientUpdateKind.Full, known, Listed(2, 3), 2, TimeSpan.FromSeconds(10)), Is.EqualTo([Id(1)]));
    }

    [Test]
    public void Removal_ByAbsence_StartsAnewWhenTheClientWasAway()
    {
        var judge = new RemovalJudge();
        var known = Known((1, false), (2, false), (3, false));
        judge.Judge(ClientUpdateKind.Full, known, Listed(2, 3), 2, default);
        judge.ClientLost();

        Assert.That(judge.Judge(ClientUpdateKind.Full, known, Listed(2, 3), 2, TimeSpan.FromSeconds(20)), Is.Empty);
    }

    [Test]
    public void Removal_OfAlmostAll_IsDoubtedForHalfAnHour()
    {
        var judge = new RemovalJudge();
        var known = Known((1, false), (2, false), (3, false));
        judge.Judge(ClientUpdateKind.Full, known, Listed(), 0, default);
        Assert.That(judge.Judge(ClientUpdateKind.Full, known, Listed(), 0, TimeSpan.FromMinutes(29)), Is.Empty);
        Assert.That(judge.Judge(ClientUpdateKind.Full, known, Listed(), 0, TimeSpan.FromMinutes(30)), Has.Count.EqualTo(3));

        var many = Enumerable.Range(1, 40).Select(i => (i, i <= 30)).ToArray();
        var rest = Listed([.. Enumerable.Range(31, 10)]);
        Assert.That(new RemovalJudge().Judge(ClientUpdateKind.Delta, Known(many), rest, 10, default), Is.Empty, "30 of 40 at once");
    }

    [TestCase(3)]
    [TestCase(300)]
    [SourceCase(115)]
    public void EmptyClient_FullAgainAfterThreeMinutes_HasRemovedNothing(int count)
    {
        var judge = new RemovalJudge();
        var known = Known([.. Enumerable.Range(1, count).Select(static i => (i, false))]);
        for (var second = 0; second < 180; second += 5)
        {
            var kind = second == 0 ? ClientUpdateKind.Full : ClientUpdateKind.Delta;
            Assert.That(judge.Judge(kind, known, Listed(), 0, TimeSpan.FromSeconds(second)), Is.Empty);
            Assert.That(judge.NewlyDoubted, Is.EqualTo(second == 0 ? count : 0), "told once");
        }

        var all = Listed([.. Enumerable.Range(1, count)]);
        Assert.That(judge.Judge(ClientUpdateKind.Full, known, all, count, TimeSpan.FromSeconds(180)), Is.Empty);
        Assert.That(judge.Judge(ClientUpdateKind.Delta, known, all, count, TimeSpan.FromHours(1)), Is.Empty);
    }

    [Test]
    public void Removal_OfABurst_IsDoubtedFromTheTwentyFirstOn()
    {
        var judge = new RemovalJudge();
        var believed = 0;
        for (var round = 0; round < 5; round++)
        {
            // What was believed is known no more; what is doubted still is.
            var gone = Enumerable.Range((round * 6) + 1, 6);
            var known = Known([.. Enumerable.Range(believed + 1, 40 - believed).Select(i => (i, gone.Contains(i)))]);
            var listed = Listed([.. Enumerable.Range((round * 6) + 7, 40 - ((round + 1) * 6))]);
            believed += judge.Judge(ClientUpdateKind.Delta, known, listed, listed.Count, TimeSpan.FromSeconds(round * 5)).Count;
        }

        Assert.That(believed, Is.EqualTo(18));
    }

    [Test]
    public void Removal_WhileTheClientStillReadsItsProfile_IsNotBelieved()
    {
        var judge = new RemovalJudge();
        var known = Known([.. Enumerable.Range(1, 10).Select(static i => (i, false))]);
        for (var listed = 6; listed < 10; listed++)
        {
            var list = Listed([.. Enumerable.Range(1, listed)]);
            Assert.That(judge.Judge(ClientUpdateKind.Full, known, list, listed, TimeSpan.FromSeconds((listed - 6) * 9)), Is.Empty);
        }

        Assert.That(judge.Judge(ClientUpdateKind.Delta, known, Listed([.. Enumerable.Range(1, 9)]), 9, TimeSpan.FromSeconds(36)), Is.Empty);
        Assert.That(
            judge.Judge(ClientUpdateKind.Delta, known, Listed([.. Enumerable.Range(1, 9)]), 9, TimeSpan.FromSeconds(37)), Is.EqualTo([Id(10)]),
            "ten seconds after the last one came");
    }

    [Test]
    public void Doubt_OverAnOutage_LastsAsLongAsItWasToLast()
    {
        var judge = new RemovalJudge();
        var known = Known((1, false), (2, false));
        judge.Judge(ClientUpdateKind.Full, known, Listed(), 0, default);
        judge.ClientLost();
        Assert.That(judge.Judge(ClientUpdateKind.Full, known, Listed(), 0, TimeSpan.FromMinutes(31)), Is.Empty, "confirmed by two looks again");
        Assert.That(judge.Judge(ClientUpdateKind.Delta, known, Listed(), 0, TimeSpan.FromMinutes(32)), Has.Count.EqualTo(2));
    }

    [Test]
    public void WatchedAnswer_SaysNothingOfWhatIsAbsent()
    {
        var judge = new RemovalJudge();
        var known = Known((1, false), (2, false), (3, false));
        Assert.That(judge.Judge(ClientUpdateKind.Watched, known, Listed(2, 3), 2, default), Is.Empty);
        Assert.That(judge.Judge(ClientUpdateKind.Watched, known, Listed(2, 3), 2, TimeSpan.FromHours(1)), Is.Empty);
    }

    private static InfoHash Id(int number) => InfoHash.Parse(number.ToString("x40", System.Globalization.CultureInfo.InvariantCulture));

    private static Dictionary<InfoHash, bool> Known(params (int Number, bool Named)[] known) => known.ToDictionary(item => Id(item.Number), item => item.Named);

    private static HashSet<InfoHash> Listed(params int[] numbers) => [.. numbers.Select(Id)];
}
