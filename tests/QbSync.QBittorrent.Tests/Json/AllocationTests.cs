using QbSync.QBittorrent.Json;
using QbSync.QBittorrent.Sync;
using QbSync.Testing.Clients;

namespace QbSync.QBittorrent.Tests.Json;

/// <summary>What reading answers allocates. Times are the benchmarks' business.</summary>
internal sealed class AllocationTests
{
    private const int Torrents = 5_000;
    private const int KiB = 1024, MiB = 1024 * 1024;

    [Test]
    public void MainData_OfFiveThousandTorrents_AllocatesWhatIsKept()
    {
        var answer = WebApiAnswers.MainData(Torrents);
        Assert.That(answer, Has.Length.GreaterThan(7_000_000));
        Assert.That(Measure(() => Stream(answer, AnswerReader.MainData())), Is.LessThanOrEqualTo(6 * MiB));
    }

    [TestCase(100, 64 * KiB)]
    [TestCase(0, KiB)]
    public void Changes_OfFiveThousandTorrents_AllocateByWhatChanged(int changed, int bound)
    {
        var state = new MaindataState();
        MaindataMerge.Apply(state, AnswerReader.ReadMainData(WebApiAnswers.MainData(Torrents)));
        long rid = 1;
        byte[][] answers = [.. Enumerable.Range(0, 20).Select(_ => WebApiAnswers.Changes(++rid, changed, Torrents))];
        var next = 0;
        Assert.That(
            Measure(() =>
            {
                if (MaindataMerge.Apply(state, Stream(answers[next++], AnswerReader.MainData())).Changed.Count != changed)
                {
                    throw new InvalidOperationException("Not all that was told has changed.");
                }
            }),
            Is.LessThanOrEqualTo(bound));
    }

    [Test]
    public void PieceStates_OfTwoHundredThousandPieces_AllocateTheBitmapAlone()
    {
        var answer = WebApiAnswers.PieceStates(200_000);
        Assert.That(Measure(() => Stream(answer, AnswerReader.PieceStates(200_000))), Is.LessThanOrEqualTo(25_000 + KiB));
    }

    [Test]
    public void Files_TwentyThousand_AllocateWhatIsKept()
    {
        var answer = WebApiAnswers.Files(20_000);
        Assert.That(Measure(() => Stream(answer, AnswerReader.Files())), Is.LessThanOrEqualTo(4_000_000));
    }

    private static T Stream<T>(byte[] answer, StreamParser<T> parser)
    {
        using var stream = new MemoryStream(answer);
        var read = StreamedAnswer.ReadAsync(stream, parser, long.MaxValue, default);

        // Memory is read on this thread, whose allocations are counted.
        return read.IsCompletedSuccessfully ? read.Result : throw new InvalidOperationException("The answer was waited for.");
    }

    // The least of several: what is rented for the first time, or after a collection took it back, is not the reader's.
    private static long Measure(Action read)
    {
        var least = long.MaxValue;
        for (var i = 0; i < 10; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            read();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
