using QbSync.Engine.Destination.Finalization;
using QbSync.Ports;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Destination.Finalization;

public sealed class ClientFileMapTests
{
    private static readonly BuiltTorrent Padded = new TorrentBuilder("pads") { PieceLength = 16384, WithPads = true }
        .AddFile("a", 10).AddFile("b", 20_000).AddFile("c", 30).Build();

    [Test]
    public void Match_WhenPadsAreHiddenOrListed_FindsTheSameFiles()
    {
        var hidden = Padded.Files.Select(static (file, i) => new ClientFile(i, string.Join('/', file.Path), file.Length, true, 1)).ToArray();
        var listed = Padded.Manifest.Files.Select(static file => new ClientFile(file.Index, string.Join('/', file.Path), file.Length, true, 1)).ToArray();
        Assert.That(ClientFileMap.TryMatch(Request(), hidden)!.Select(static one => one.Value.Path), Is.EqualTo(["pads/a", "pads/b", "pads/c"]));
        Assert.That(ClientFileMap.TryMatch(Request(), listed)!.Select(static one => one.Value.Path), Is.EqualTo(["pads/a", "pads/b", "pads/c"]));
    }

    [Test]
    public void Match_WhenTheClientSanitisesOtherwise_GoesByOrderAndSize()
    {
        ClientFile[] shown = [new(0, "pads/_", 10, true, 1), new(1, "pads/b", 20_000, true, 1), new(2, "pads/c", 30, true, 1)];
        Assert.That(ClientFileMap.TryMatch(Request(), shown)![Padded.Manifest.Files[0].Index].Path, Is.EqualTo("pads/_"));
    }

    [Test]
    public void Match_WithOtherSizesOrCounts_IsNone()
    {
        ClientFile[] wrongSize = [new(0, "pads/a", 11, true, 1), new(1, "pads/b", 20_000, true, 1), new(2, "pads/c", 30, true, 1)];
        Assert.That(ClientFileMap.TryMatch(Request(), wrongSize), Is.Null);
        Assert.That(ClientFileMap.TryMatch(Request(), wrongSize[..2]), Is.Null);
        Assert.That(ClientFileMap.TryMatch(Request(), []), Is.Null);
    }

    private static StoreRequest Request() => new()
    {
        Source = default,
        Manifest = Padded.Manifest,
        Torrent = Padded.Bytes,
        Selection = Selection.All(Padded.Manifest),
        Place = new Place("", [], ContentLayout.Original),
        Parameters = new TorrentParameters(),
        FileNames = [.. Padded.Manifest.Files.Select(static file => file.IsReal ? file.Path : [])],
    };
}
