using CsCheck;
using QbSync.Pieces;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Tests.Pieces;

public sealed class PieceLayoutTests
{
    private const int Piece = 16_384;

    private static readonly Gen<(TorrentVersion Version, bool WithPads, bool WithTailPad, long[] Lengths, bool[] Wanted)> Shapes =
        from version in Gen.Enum<TorrentVersion>()
        from withPads in Gen.Bool
        from withTailPad in Gen.Bool
        from lengths in Gen.Frequency((2, Gen.Const(0L)), (2, Gen.Long[1, 300]), (3, Gen.Long[1, 40_000]), (1, Gen.OneOf<long>(Piece, 2 * Piece, Piece - 1, Piece + 1))).Array[1, 8]
        from wanted in Gen.Bool.Array[8]
        select (version, withPads, withTailPad, lengths, wanted);

    [Test]
    [DestinationCase(38)]
    public void Layout_PiecesAndFiles_PartitionExactly() => Shapes.Sample(
        shape =>
        {
            var manifest = Build(shape);
            var layout = new PieceLayout(manifest, Selection.All(manifest));
            var model = Model(manifest);
            var segments = new List<PieceSegment>();
            var next = new long[manifest.Files.Count];
            for (var piece = 0; piece < manifest.PieceCount; piece++)
            {
                layout.GetSegments(piece, segments);
                var offset = 0;
                foreach (var segment in segments)
                {
                    // In order and disjoint in the piece and in each file; what the model says of first and last byte holds.
                    if (segment.PieceOffset != offset
                        || segment.Length < 1
                        || segment.FileOffset != next[segment.FileIndex]
                        || segment.IsPad == manifest.Files[segment.FileIndex].IsReal
                        || model[(piece, offset)] != (segment.FileIndex, segment.FileOffset))
                    {
                        return false;
                    }

                    offset += segment.Length;
                    next[segment.FileIndex] += segment.Length;
                }

                if (offset != manifest.GetPieceLength(piece))
                {
                    return false;
                }
            }

            return manifest.Files.All(file => next[file.Index] == file.Length);
        },
        iter: 300);

    [Test]
    [DestinationCase(39)]
    [SourceCase(64)]
    public void Layout_Masks_EqualANaiveModel() => Shapes.Sample(
        shape =>
        {
            var manifest = Build(shape);
            var selection = Selection.Of(manifest, file => shape.Wanted[file.Index % 8]);
            var layout = new PieceLayout(manifest, selection);
            var all = new PieceLayout(manifest, Selection.All(manifest));
            var segments = new List<PieceSegment>();
            for (var piece = 0; piece < manifest.PieceCount; piece++)
            {
                all.GetSegments(piece, segments);
                var wanted = segments.Exists(segment => !segment.IsPad && selection.IsSelected(segment.FileIndex));
                var unwanted = segments.Exists(segment => !segment.IsPad && !selection.IsSelected(segment.FileIndex));
                if (layout.IsSelected(piece) != wanted || layout.IsBoundary(piece) != (wanted && unwanted))
                {
                    return false;
                }
            }

            return layout.SelectedBytes == manifest.Files.Where(file => selection.IsSelected(file.Index)).Sum(file => file.Length);
        },
        iter: 300);

    [Test]
    [DestinationCase(39)]
    public void Completeness_IsMasked() => Gen.Select(Shapes, Gen.Int).Sample(
        (shape, seed) =>
        {
            var manifest = Build(shape);
            var layout = new PieceLayout(manifest, Selection.Of(manifest, file => shape.Wanted[file.Index % 8]));
            var random = new Random(seed);
            var have = new PieceBitmap(manifest.PieceCount);
            for (var i = 0; i < have.Length; i++)
            {
                if (random.Next(4) > 0)
                {
                    have.Set(i);
                }
            }

            var held = Enumerable.Range(0, have.Length).Count(i => have[i] && layout.IsSelected(i));
            return layout.CountHeld(have) == held && layout.IsComplete(have) == (held == layout.SelectedPieceCount);
        },
        iter: 300);

    [Test]
    [DestinationCase(38)]
    public void GetPieces_OfEachFile_AreThoseThatTouchIt() => Shapes.Sample(
        shape =>
        {
            var manifest = Build(shape);
            var layout = new PieceLayout(manifest, Selection.All(manifest));
            var segments = new List<PieceSegment>();
            var touching = manifest.Files.Select(_ => new List<int>()).ToArray();
            for (var piece = 0; piece < manifest.PieceCount; piece++)
            {
                layout.GetSegments(piece, segments);
                segments.ForEach(segment => touching[segment.FileIndex].Add(piece));
            }

            return manifest.Files.All(file =>
            {
                var (first, count) = layout.GetPieces(file);
                return touching[file.Index].SequenceEqual(Enumerable.Range(first, count)) && first + count <= manifest.PieceCount;
            });
        },
        iter: 300);

    [TestCase(-1)]
    [TestCase(3)]
    [DestinationCase(38)]
    public void GetSegments_OutOfRange_ArgumentError(int piece)
    {
        var manifest = new TorrentBuilder("x") { PieceLength = Piece, Length = 40_000 }.Build().Manifest;
        Assert.That(
            () => new PieceLayout(manifest, Selection.All(manifest)).GetSegments(piece, []),
            Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Layout_FiftyThousandFiles_BuildsInProportion()
    {
        var builder = new TorrentBuilder("wide") { PieceLength = Piece };
        for (var i = 0; i < 50_000; i++)
        {
            builder.AddFile($"f{i}", i % 7);
        }

        var manifest = builder.Build().Manifest;
        var layout = new PieceLayout(manifest, Selection.Of(manifest, file => file.Index % 2 == 0));
        var segments = new List<PieceSegment>();
        layout.GetSegments(manifest.PieceCount - 1, segments);
        Assert.That(segments.Sum(segment => segment.Length), Is.EqualTo(manifest.GetPieceLength(manifest.PieceCount - 1)));
    }

    private static TorrentManifest Build((TorrentVersion Version, bool WithPads, bool WithTailPad, long[] Lengths, bool[] Wanted) shape)
    {
        var builder = new TorrentBuilder("shape") { Version = shape.Version, PieceLength = Piece, WithPads = shape.WithPads, WithTailPad = shape.WithTailPad };
        for (var i = 0; i < shape.Lengths.Length; i++)
        {
            builder.AddFile($"f{i}", shape.Lengths[i]);
        }

        return builder.Build().Manifest;
    }

    /// <summary>Byte by byte: which file and offset each byte of each piece is.</summary>
    private static Dictionary<(int Piece, int Offset), (int File, long Offset)> Model(TorrentManifest manifest)
    {
        var model = new Dictionary<(int, int), (int, long)>();
        long position = 0;
        foreach (var file in manifest.Files)
        {
            if (manifest.V1.Length == 0 && file.Length > 0)
            {
                position = (position + Piece - 1) / Piece * Piece;
            }

            for (long offset = 0; offset < file.Length; offset++, position++)
            {
                model.Add(((int)(position / Piece), (int)(position % Piece)), (file.Index, offset));
            }
        }

        return model;
    }
}
