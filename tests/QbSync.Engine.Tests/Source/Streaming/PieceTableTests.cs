using CsCheck;
using QbSync.Engine.Source.Streaming;
using QbSync.Engine.Tests.Source.World;
using QbSync.Pieces;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.Streaming;

[TestFixture]
internal sealed class PieceTableTests
{
    private const int Pieces = 8;
    private static readonly PieceLayout Layout = LayoutOf(Pieces);

    [Test]
    [SourceCase(55)]
    public void Nack_OfAnotherAttempt_IsIgnoredAndALateAcceptCountsOnce()
    {
        var table = Ready();
        Launch(table, 1, out var piece);
        table.Return(piece, 1);
        Launch(table, 2, out var again);
        Assert.That(again, Is.EqualTo(piece), "what was lost goes first");

        Assert.That(table.Nack(piece, 1), Is.False);
        Assert.That(table[piece], Is.EqualTo(PieceState.InFlight));
        Assert.That(table.Accept(piece, 1), Is.EqualTo(AckEffect.Acknowledged));
        Assert.That(table.Accept(piece, 2), Is.EqualTo(AckEffect.None));
        Assert.That(table.Counts.Acknowledged, Is.EqualTo(1));
    }

    [Test]
    [SourceCase(30)]
    public void Poll_OverPiecesUnderWay_TouchesNone()
    {
        var table = Ready();
        Launch(table, 1, out var inFlight);
        table.TryTake(default, 2, out var queued);

        table.ApplyClient(new PieceBitmap(Pieces));

        Assert.That(table[inFlight], Is.EqualTo(PieceState.InFlight));
        Assert.That(table[queued], Is.EqualTo(PieceState.Queued));
        Assert.That(table.Counts.Available, Is.Zero);
    }

    [Test]
    public void Accept_OfAnOlderGrant_ProvesNothing()
    {
        var table = Ready();
        Launch(table, 1, out var piece);
        table.ApplyDestination(new PieceBitmap(Pieces), new PieceBitmap(Pieces), grantedFrom: 2);

        Assert.That(table.Accept(piece, 1), Is.EqualTo(AckEffect.None));
        Assert.That(table[piece], Is.EqualTo(PieceState.Available));
    }

    [Test]
    public void DeferredPiece_ThatLocalContentDoesNotBring_IsNoLossUntilItWasHeld()
    {
        var table = Ready();
        var none = new PieceBitmap(Pieces);
        var all = none.Clone();
        all.SetComplement();
        var one = none.Clone();
        one.Set(3);
        var others = all.Clone();
        others.Clear(3);

        table.ApplyDestination(others, one, grantedFrom: 1);
        Assert.That(table.IsAllAcknowledged, Is.True);
        Assert.That(table.LacksAny(others, none), Is.False, "it was promised, never held");
        table.ApplyDestination(others, none, null);
        Assert.That(table.LacksAny(others, none), Is.False);

        table.ApplyDestination(all, none, null);
        Assert.That(table.LacksAny(others, none), Is.True, "it was held");
    }

    [Test]
    [SourceCase(53)]
    public void UnreadPiece_IsDueLaterAndStrikesAfterTenMinutes()
    {
        var table = Ready();
        var now = TimeSpan.Zero;
        var strikes = 0;
        while (now < TimeSpan.FromMinutes(21))
        {
            if (!table.TryTake(now, 1 + (long)now.TotalMilliseconds, out var piece))
            {
                now += TimeSpan.FromMilliseconds(500);
                continue;
            }

            var attempt = 1 + (long)now.TotalMilliseconds;
            if (piece == 0)
            {
                strikes += table.ReturnUnread(piece, attempt, now, 0.5) ? 1 : 0;
                now += TimeSpan.FromMilliseconds(1);
                continue;
            }

            table.TryRead(piece, attempt);
            table.TryLaunch(piece, attempt, 1);
            table.Accept(piece, attempt);
            now += TimeSpan.FromMilliseconds(1);
        }

        Assert.That(strikes, Is.EqualTo(2));
        Assert.That(table.Counts.Acknowledged, Is.EqualTo(Pieces - 1), "the others went on");
    }

    [Test]
    [SourceCase(54)]
    public void RejectedPiece_FiveTimesInTenMinutes_IsAStrike()
    {
        var table = Ready();
        var strikes = new List<bool>();
        var now = TimeSpan.Zero;
        for (var attempt = 1; attempt <= 5; attempt++)
        {
            while (!table.TryTake(now, attempt, out var piece) || piece != 0)
            {
                now += TimeSpan.FromSeconds(1);
            }

            table.TryRead(0, attempt);
            table.TryLaunch(0, attempt, 1);
            strikes.Add(table.Reject(0, attempt, now));
        }

        Assert.That(strikes, Is.EqualTo([false, false, false, false, true]));
    }

    [Test]
    [SourceCase(50)]
    public void AnyEvents_KeepOneStateEachAndEndAcknowledged()
    {
        var step = Gen.Select(Gen.Int[0, 11], Gen.Int[0, Pieces - 1], Gen.Int[0, 3]);
        step.List[0, 80].Sample(steps =>
        {
            var table = new PieceTable(Layout);
            table.ApplyDestination(new PieceBitmap(Pieces), new PieceBitmap(Pieces), 1);
            var now = TimeSpan.Zero;
            var attempt = 0L;
            List<(int Piece, long Attempt)> taken = [];
            foreach (var (what, piece, which) in steps)
            {
                var chosen = taken.Count == 0 ? (Piece: piece, Attempt: attempt + 1) : taken[which % taken.Count];
                Apply(table, what, piece, chosen, ref now, ref attempt, taken);
                Check(table);
            }

            Finish(table, now, attempt);
            return table.IsAllAcknowledged && table.Counts.AttemptsAreAccountedFor;
        }, iter: 10_000);
    }

    private static void Apply(
        PieceTable table, int what, int piece, (int Piece, long Attempt) chosen, ref TimeSpan now, ref long attempt, List<(int Piece, long Attempt)> taken)
    {
        now += TimeSpan.FromMilliseconds(700);
        switch (what)
        {
            case 0 or 1:
                var has = new PieceBitmap(Pieces);
                for (var i = 0; i < Pieces; i++)
                {
                    if (i != piece || what == 0)
                    {
                        has.Set(i);
                    }
                }

                table.ApplyClient(has);
                break;
            case 2 or 3:
                if (table.TryTake(now, ++attempt, out var next))
                {
                    taken.Add((next, attempt));
                }

                break;
            case 4:
                table.TryRead(chosen.Piece, chosen.Attempt);
                break;
            case 5:
                table.TryRead(chosen.Piece, chosen.Attempt);
                table.TryLaunch(chosen.Piece, chosen.Attempt, 1);
                break;
            case 6:
                if (table[chosen.Piece] != PieceState.Queued && table[chosen.Piece] != PieceState.Reading)
                {
                    table.Accept(chosen.Piece, chosen.Attempt);
                }

                break;
            case 7:
                table.Nack(chosen.Piece, chosen.Attempt);
                break;
            case 8:
                table.Return(chosen.Piece, chosen.Attempt);
                break;
            case 9:
                table.ReturnUnread(chosen.Piece, chosen.Attempt, now, 0.5);
                break;
            case 10:
                table.Reject(chosen.Piece, chosen.Attempt, now);
                break;
            case 11:
                var have = new PieceBitmap(Pieces);
                have.Set(piece);
                table.ApplyDestination(have, new PieceBitmap(Pieces), piece % 2 == 0 ? attempt + 1 : null);
                break;
        }
    }

    private static void Check(PieceTable table)
    {
        var counts = table.Counts;
        var states = Enumerable.Range(0, Pieces).Select(piece => table[piece]).ToList();
        Assert.That(states.Count(state => state == PieceState.Acknowledged), Is.EqualTo(counts.Acknowledged));
        Assert.That(states.Count(state => state == PieceState.Available), Is.EqualTo(counts.Available));
        Assert.That(states.Count(state => state is PieceState.Queued or PieceState.Reading or PieceState.InFlight), Is.EqualTo(counts.Busy));
        Assert.That(counts.AttemptsAreAccountedFor, Is.True, counts.ToString());
    }

    /// <summary>Faults end: what is under way is lost once, then everything is sent and accepted.</summary>
    private static void Finish(PieceTable table, TimeSpan now, long attempt)
    {
        for (var piece = 0; piece < Pieces; piece++)
        {
            for (var old = 1L; old <= attempt; old++)
            {
                table.Return(piece, old);
            }
        }

        var all = new PieceBitmap(Pieces);
        all.SetAll();
        table.ApplyClient(all);
        now += TimeSpan.FromHours(1);
        while (table.TryTake(now, ++attempt, out var piece))
        {
            table.TryRead(piece, attempt);
            table.TryLaunch(piece, attempt, 1);
            table.Accept(piece, attempt);
        }
    }

    private static PieceTable Ready()
    {
        var table = new PieceTable(Layout);
        var all = new PieceBitmap(Pieces);
        all.SetAll();
        table.ApplyClient(all);
        table.ApplyDestination(new PieceBitmap(Pieces), new PieceBitmap(Pieces), 1);
        return table;
    }

    private static void Launch(PieceTable table, long attempt, out int piece)
    {
        Assert.That(table.TryTake(default, attempt, out piece), Is.True);
        Assert.That(table.TryRead(piece, attempt), Is.True);
        Assert.That(table.TryLaunch(piece, attempt, 16384), Is.True);
    }

    private static PieceLayout LayoutOf(int pieces)
    {
        var manifest = SourceWorld.Torrent("table", pieces).Manifest;
        return new PieceLayout(manifest, Selection.All(manifest));
    }
}
