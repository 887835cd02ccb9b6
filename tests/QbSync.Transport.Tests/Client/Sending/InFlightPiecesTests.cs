using QbSync.Transport.Client.Sending;

namespace QbSync.Transport.Tests.Client.Sending;

internal sealed class InFlightPiecesTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly List<InFlightPiece> _given = [];
    private InFlightPieces _pieces = null!;

    [SetUp]
    public void Begin()
    {
        _pieces = new InFlightPieces();
        _given.Clear();
    }

    [Test]
    public void Answer_Twice_IsInFlightThenUnknown()
    {
        var transfer = SendWhole(1, attempt: 7, end: 100, at: 0);

        Assert.That(_pieces.Answer(transfer, out var piece), Is.EqualTo(AnswerKind.InFlight));
        Assert.That((piece.Piece.Index, piece.Attempt), Is.EqualTo((1, 7)));
        Assert.That(_pieces.Answer(transfer, out _), Is.EqualTo(AnswerKind.Unknown));
        Assert.That(_pieces.Count, Is.Zero);
    }

    [Test]
    public void Answer_NeverBegun_IsImpossible()
    {
        var transfer = SendWhole(1, attempt: 7, end: 100, at: 0);

        Assert.That(_pieces.Answer(0, out _), Is.EqualTo(AnswerKind.Impossible));
        Assert.That(_pieces.Answer(transfer + 1, out _), Is.EqualTo(AnswerKind.Impossible));
        Assert.That(_pieces.Answer(ulong.MaxValue, out _), Is.EqualTo(AnswerKind.Impossible));
        Assert.That(_pieces.Count, Is.EqualTo(1));
    }

    [Test]
    public void Answer_AfterItWasGivenUp_IsLate()
    {
        var transfer = SendWhole(1, attempt: 7, end: 100, at: 0);
        _pieces.Give(transfer, out _);

        Assert.That(_pieces.Answer(transfer, out var piece), Is.EqualTo(AnswerKind.Late));
        Assert.That(piece.Attempt, Is.EqualTo(7));
    }

    [Test]
    public void Answer_BeforeTheLastChunk_EndsTheHandOver()
    {
        var transfer = _pieces.Begin(new TestSource(1, 100), TimeSpan.Zero);

        _pieces.Answer(transfer, out _);

        Assert.That(_pieces.Fate, Is.EqualTo(SendingFate.Answered));
        Assert.That(_pieces.OnWhole(transfer, 100, TimeSpan.Zero), Is.False);
    }

    [Test]
    public void GiveAll_OneBeingHandedOver_TellsItsSender()
    {
        SendWhole(1, attempt: 1, end: 100, at: 0);
        _pieces.Begin(new TestSource(2, 100), TimeSpan.Zero);

        _pieces.GiveAll(_given);

        Assert.That(_given.Select(piece => (piece.Piece.Index, piece.IsWhole)), Is.EquivalentTo(new[] { (1, true), (2, false) }));
        Assert.That((_pieces.Fate, _pieces.Count), Is.EqualTo((SendingFate.Lost, 0)));
    }

    [Test]
    public void GiveStale_NothingHeardSinceTheLastChunk_IsGivenOnce()
    {
        SendWhole(1, attempt: 1, end: 100, at: 0);

        GiveStale(at: 59);
        Assert.That(_given, Is.Empty);
        GiveStale(at: 61);
        GiveStale(at: 62);

        Assert.That(_given, Has.Count.EqualTo(1));
    }

    [Test]
    public void GiveStale_StreamMovesInFrontOfIt_IsNotStale()
    {
        SendWhole(1, attempt: 1, end: 100, at: 0);
        SendWhole(2, attempt: 2, end: 200, at: 0);

        _pieces.OnReceived(50, TimeSpan.FromSeconds(50));
        GiveStale(at: 100, movedAt: 50);

        Assert.That(_given, Is.Empty);
    }

    [Test]
    public void GiveStale_ReceivedWholeAndNotAnswered_CountsFromItsArrival()
    {
        SendWhole(1, attempt: 1, end: 100, at: 0);
        SendWhole(2, attempt: 2, end: 200, at: 0);
        _pieces.OnReceived(100, TimeSpan.FromSeconds(50));

        GiveStale(at: 111, movedAt: 110);

        Assert.That(_given.Select(piece => piece.Piece.Index), Is.EqualTo(new[] { 1 }), "2 still arrives");
    }

    [Test]
    public void GiveStale_StillBeingHandedOver_IsLeftAlone()
    {
        _pieces.Begin(new TestSource(1, 100), TimeSpan.Zero);

        GiveStale(at: 1000);

        Assert.That(_given, Is.Empty);
    }

    [Test]
    public void Give_MoreThanAreRemembered_ForgetsTheOldest()
    {
        var first = SendWhole(0, attempt: 0, end: 1, at: 0);
        _pieces.Give(first, out _);
        for (var i = 1; i <= 4096; i++)
        {
            _pieces.Give(SendWhole(i, attempt: i, end: i, at: 0), out _);
        }

        Assert.That(_pieces.Answer(first, out _), Is.EqualTo(AnswerKind.Unknown));
        Assert.That(_pieces.Answer(first + 1, out _), Is.EqualTo(AnswerKind.Late));
    }

    private ulong SendWhole(int index, long attempt, long end, int at)
    {
        var transfer = _pieces.Begin(new TestSource(index, 100) { Attempt = attempt }, TimeSpan.FromSeconds(at));
        _pieces.OnWhole(transfer, end, TimeSpan.FromSeconds(at));
        return transfer;
    }

    private void GiveStale(int at, int movedAt = 0) =>
        _pieces.GiveStale(TimeSpan.FromSeconds(at) - Limit, TimeSpan.FromSeconds(movedAt), _given);
}
