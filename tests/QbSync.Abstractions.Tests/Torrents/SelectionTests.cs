using CsCheck;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Tests.Torrents;

public sealed class SelectionTests
{
    private static readonly TorrentManifest Padded =
        new TorrentBuilder("p") { PieceLength = 16_384, WithPads = true }.AddFile("a", 1).AddFile("b", 2).AddFile("c", 0).AddFile("d", 3).Build().Manifest;

    [Test]
    public void All_PadsNeverCount() => Assert.Multiple(() =>
    {
        Assert.That(Padded.Files, Has.Count.EqualTo(6));
        Assert.That(Selection.All(Padded).SelectedCount, Is.EqualTo(4));
    });

    [Test]
    public void TryFromBytes_OfToBytes_IsEqual() => Gen.Byte.Sample(mask =>
    {
        var selection = Selection.Of(Padded, file => (mask & (1 << file.Index)) != 0);
        return Selection.TryFromBytes(Padded, selection.ToBytes(), out var read)
            && selection.Equals(read)
            && selection.Fingerprint(Padded.Id).SequenceEqual(read!.Fingerprint(Padded.Id));
    });

    [Test]
    public void TryFromBytes_AnyBytes_RealFilesOnlyOrFalse() => Gen.Byte.Array[0, 3].Sample(bytes =>
        !Selection.TryFromBytes(Padded, bytes, out var selection)
        || (bytes.Length == 1 && Padded.Files.All(file => file.IsReal || !selection!.IsSelected(file.Index))));

    [Test, SourceCase(64)]
    public void Fingerprint_OfNoneOneAndManyFiles_DependsOnTheSelectionAlone()
    {
        var builder = new TorrentBuilder("large") { PieceLength = 16_384 };
        for (var i = 0; i < 20_000; i++)
        {
            builder.AddFile($"{i}", i % 3);
        }

        var manifest = builder.Build().Manifest;
        var wanted = Enumerable.Range(0, 20_000).Where(static i => i % 7 == 1).ToArray();
        var forth = wanted.ToHashSet();
        var back = wanted.Reverse().ToHashSet();
        var some = Selection.Of(manifest, file => forth.Contains(file.Index)).Fingerprint(manifest.Id);
        byte[][] all =
        [
            some,
            Selection.Of(manifest, static _ => false).Fingerprint(manifest.Id),
            Selection.Of(manifest, static file => file.Index == 0).Fingerprint(manifest.Id),
            Selection.Of(manifest, static file => file.Index == 256).Fingerprint(manifest.Id),
            Selection.All(manifest).Fingerprint(manifest.Id),
            Selection.Of(manifest, file => file.Index != 1 && forth.Contains(file.Index)).Fingerprint(manifest.Id),
        ];
        Assert.That(Selection.Of(manifest, file => back.Contains(file.Index)).Fingerprint(manifest.Id), Is.EqualTo(some));
        Assert.That(all.Select(Convert.ToHexString), Is.Unique);
    }

    [Test]
    public void Covers_EveryFileOfTheOther_AndNoFewer()
    {
        Selection Of(params int[] files) => Selection.Of(Padded, file => files.Contains(file.Index));
        var (first, last) = (0, Padded.Files[^1].IsReal ? Padded.Files.Count - 1 : Padded.Files.Count - 2);
        Assert.That(Of(first, last).Covers(Of(last)), Is.True);
        Assert.That(Of(first, last).Covers(Of()), Is.True);
        Assert.That(Of(first).Covers(Of(first)), Is.True);
        Assert.That(Of(first).Covers(Of(first, last)), Is.False);
        Assert.That(Of().Covers(Of(first)), Is.False);
    }

    [Test]
    public void Fingerprint_OtherSelectionOrTorrent_Differs()
    {
        var all = Selection.All(Padded).Fingerprint(Padded.Id);
        Assert.Multiple(() =>
        {
            Assert.That(Selection.Of(Padded, file => file.Index == 0).Fingerprint(Padded.Id), Is.Not.EqualTo(all));
            Assert.That(Selection.All(Padded).Fingerprint(InfoHash.FromBytes(new byte[20])), Is.Not.EqualTo(all));
        });
    }
}
