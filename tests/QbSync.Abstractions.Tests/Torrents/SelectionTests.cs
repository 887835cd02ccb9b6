using CsCheck;
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
