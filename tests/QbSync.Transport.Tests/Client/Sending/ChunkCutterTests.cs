using CsCheck;
using QbSync.Transport.Client.Sending;

namespace QbSync.Transport.Tests.Client.Sending;

internal sealed class ChunkCutterTests
{
    [Test]
    public void Cutter_AnyRangesAndSizes_CoversEachByteOnce() =>
        Gen.Select(Gen.Select(Gen.Int[0, 100], Gen.Int[1, 5000]).List[1, 10], Gen.Int[1, 3000].List[1, 20]).Sample((gaps, sizes) =>
        {
            List<(int Offset, int Length)> ranges = [];
            var at = 0;
            foreach (var (gap, length) in gaps)
            {
                ranges.Add((at + gap, length));
                at += gap + length;
            }

            List<int> expected = [.. ranges.SelectMany(range => Enumerable.Range(range.Offset, range.Length))];
            List<int> cut = [];
            var cutter = new ChunkCutter(ranges);
            for (var i = 0; cutter.TryPeek(out var offset, out var most); i++)
            {
                var length = Math.Min(most, sizes[i % sizes.Count]);
                cut.AddRange(Enumerable.Range(offset, length));
                cutter.Take(length);
            }

            return cut.SequenceEqual(expected);
        });
}
