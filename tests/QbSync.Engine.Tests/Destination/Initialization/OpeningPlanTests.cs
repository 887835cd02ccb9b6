using QbSync.Engine.Destination.Initialization;
using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Destination.Initialization;

public sealed class OpeningPlanTests
{
    private static BuiltTorrent Multi => DestinationSyncTests.Multi;

    [TestCase(ContentLayout.Original, "album/one.flac")]
    [TestCase(ContentLayout.Subfolder, "album/one.flac")]
    [TestCase(ContentLayout.NoSubfolder, "one.flac")]
    public void Names_OfALayout_AreTheClients(ContentLayout layout, string expected)
    {
        var plan = Make(DestinationRig.MakeInit(Multi) with { Place = new Place("", ["x"], layout) });
        Assert.That(string.Join('/', plan.Store!.FileNames[0]), Is.EqualTo(expected));
    }

    [TestCase("..", "a")]
    [TestCase("album", ".qbsync")]
    [TestCase("album", "x.qbsync-part")]
    [TestCase("album", "TWO.flac")]
    public void Names_OfTheSourceThatDoNotPass_LeaveTheDerivedOnes(string folder, string name)
    {
        var plan = Make(DestinationRig.MakeInit(Multi) with { Files = [new SourceFile(0, null, [folder, name])] });
        Assert.That((plan.OwnNames, string.Join('/', plan.Store!.FileNames[0])), Is.EqualTo((true, "album/one.flac")));
    }

    [Test]
    public void Names_OfTheSource_NeedAClientThatRenames()
    {
        var init = DestinationRig.MakeInit(Multi) with { Files = [new SourceFile(0, null, ["album", "1.flac"])] };
        Assert.That(string.Join('/', Make(init).Store!.FileNames[0]), Is.EqualTo("album/1.flac"));
        Assert.That(Make(init, canRename: false).OwnNames, Is.True);
    }

    [TestCase("a.bin.!qB", "marked/a.bin")]
    [TestCase("a.bin.!qB.!qB", "marked/a.bin")]
    [TestCase(".!qB", "marked/.!qB")]
    [TestCase(".unwanted/a.bin", "marked/a.bin")]
    [TestCase("sub/.unwanted/a.bin.!qB", "marked/sub/a.bin")]
    [TestCase("a.!qB/b.bin", "marked/a.!qB/b.bin")]
    [TestCase("b.bin.!qB", "marked/b.bin.!qB", Description = "the name without the mark is another file's")]
    public void Names_WithAClientsOwnMarks_AreWithoutThem(string name, string expected)
    {
        var torrent = new TorrentBuilder("marked") { Seed = 5 }.AddFile(name, 1000).AddFile("b.bin", 1000).Build();
        foreach (var files in (IReadOnlyList<SourceFile>?[])[null, [new SourceFile(0, null, ["marked", .. name.Split('/')])]])
        {
            var plan = OpeningPlan.Make(torrent.Manifest, torrent.Bytes, DestinationRig.Source, DestinationRig.MakeInit(torrent) with { Files = files }, canRename: true);
            Assert.That((plan.OwnNames, string.Join('/', plan.Store!.FileNames[0])), Is.EqualTo((false, expected)));
        }
    }

    [Test]
    public void Envelope_BeyondItsBounds_IsRefused()
    {
        var init = DestinationRig.MakeInit(Multi);
        Assert.That(OpeningPlan.CheckEnvelope(init), Is.Null);
        Assert.That(Reason(init with { Id = InfoHash.None }), Is.EqualTo(RefusalReason.Malformed));
        Assert.That(Reason(init with { Place = new Place("", [.. Enumerable.Repeat("a", 33)], ContentLayout.Original) }), Is.EqualTo(RefusalReason.Malformed));
        Assert.That(Reason(init with { Place = new Place("", [], (ContentLayout)7) }), Is.EqualTo(RefusalReason.Malformed));
        Assert.That(Reason(init with { Place = new Place("nas2", [], ContentLayout.Original) }), Is.EqualTo(RefusalReason.PathRefused));
    }

    private static RefusalReason? Reason(InitRequest init) => OpeningPlan.CheckEnvelope(init)?.Reason;

    private static OpeningPlan Make(InitRequest init, bool canRename = true) =>
        OpeningPlan.Make(Multi.Manifest, Multi.Bytes, DestinationRig.Source, init, canRename);
}
