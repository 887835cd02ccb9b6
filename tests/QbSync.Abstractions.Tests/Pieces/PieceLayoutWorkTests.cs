using QbSync.Pieces;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Tests.Torrents.Bencode;
using QbSync.Torrents;

namespace QbSync.Tests.Pieces;

/// <summary>That a wide torrent is laid out in work proportional to files and pieces, and looked up in far less. The time itself is a benchmark's matter.</summary>
[DestinationCase(39)]
public sealed class PieceLayoutWorkTests
{
    private const int Piece = 16_384;

    [Test]
    public void Layout_FiftyThousandFilesHundredThousandPieces_MarksEachPieceOfEachFileOnce()
    {
        var manifest = Wide(50_000);
        Assert.That(manifest.PieceCount, Is.EqualTo(100_000));
        var selection = Selection.Of(manifest, static file => file.Index % 3 == 0);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var layout = new PieceLayout(manifest, selection);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Multiple(() =>
        {
            Assert.That(manifest.Files.Sum(file => (long)layout.GetPieces(file).Count), Is.LessThanOrEqualTo(manifest.Files.Count + manifest.PieceCount));
            Assert.That(allocated, Is.LessThan(4 * (manifest.PieceCount / 8 + 1024)), "three masks and nothing a file or piece");
            Assert.That(layout.SelectedPieceCount, Is.EqualTo(Enumerable.Range(0, manifest.PieceCount).Count(layout.IsSelected)));
        });
    }

    /// <summary>Both are measured on the same files and the same machine, of which nothing else is expected.</summary>
    [Test]
    public void FindFile_AmongFiftyThousand_IsFarLessWorkThanLookingAtEach()
    {
        var manifest = Wide(50_000);
        var search = Measure(manifest, 500, manifest.FindFile);
        var each = Measure(manifest, 5, offset => LookAtEach(manifest, offset));
        Assert.That(search, Is.LessThan(each / 10), $"{search:F1} and {each:F1} ns a lookup");
    }

    [TestCase("", "", "")]
    [SourceCase(64)]
    [TestCase("abc", "012345", "")]
    [TestCase("b", "123", "13")]
    [TestCase("a", "01", "1")]
    [TestCase("c", "345", "3")]
    [TestCase("ac", "01345", "13")]
    public void Masks_AllNoneInteriorAndEdges_AsCounted(string wanted, string selected, string boundary)
    {
        // a: pieces 0 and 1, b: 1 to 3, c: 3 to 5.
        var manifest = new TorrentBuilder("three") { PieceLength = Piece }.AddFile("a", Piece + 1).AddFile("b", 2 * Piece).AddFile("c", 2 * Piece + 5).Build().Manifest;
        var layout = new PieceLayout(manifest, Selection.Of(manifest, file => wanted.Contains(file.Path[^1], StringComparison.Ordinal)));
        Assert.That(Pieces(layout.IsSelected), Is.EqualTo(selected));
        Assert.That(Pieces(layout.IsBoundary), Is.EqualTo(boundary));
        Assert.That(layout.HasBoundaryPieces, Is.EqualTo(boundary.Length > 0));

        string Pieces(Func<int, bool> isIn) => string.Concat(Enumerable.Range(0, manifest.PieceCount).Where(isIn));
    }

    /// <summary>Nanoseconds a lookup, of the best of many rounds so short that a machine with much else to do lets some of them run through.</summary>
    private static double Measure(TorrentManifest manifest, int lookups, Func<long, int> find)
    {
        const int Rounds = 300;
        var (best, next) = (double.MaxValue, 0L);
        for (var round = 0; round < Rounds; round++)
        {
            var sum = 0L;
            var began = TimeProvider.System.GetTimestamp();
            for (var i = 0; i < lookups; i++, next += 7919)
            {
                sum += find(next % manifest.PieceCount * Piece);
            }

            best = Math.Min(best, TimeProvider.System.GetElapsedTime(began).TotalNanoseconds / lookups);
            Assert.That(sum, Is.Not.Negative);
        }

        return best;
    }

    private static int LookAtEach(TorrentManifest manifest, long offset)
    {
        var file = 0;
        while (file + 1 < manifest.Files.Count && manifest.Files[file + 1].Offset <= offset)
        {
            file++;
        }

        return file;
    }

    /// <summary>Two pieces a file, no file aligned to them but every second one.</summary>
    private static TorrentManifest Wide(int files) =>
        Hostile.Parse(Hostile.MultiInfo([.. Enumerable.Range(0, files).Select(static i => Hostile.File((2 * Piece) + (i % 2 == 0 ? -1 : 1), $"{i}"))]));
}
