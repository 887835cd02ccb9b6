using QbSync.Engine.Tests.Source.World;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Source;

[TestFixture]
internal sealed class SourceFilterTests
{
    [Test]
    public async Task Category_ThatIsExcluded_IsNeverSent_UntilItIsAnother()
    {
        await using var world = new SourceWorld();
        world.Options.Filter.ExcludeCategories = ["films"];
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Excluded");
        await world.PassAsync(TimeSpan.FromMinutes(1));
        Assert.That(world.Destination.Count("Init") + world.Destination.Count("Abort"), Is.Zero);
        Assert.That(torrent.ExportCalls, Is.Zero, "nothing but the list was needed");
        Assert.That(world.Progress(torrent.Torrent.Id)!.Reason, Does.Contain("exclude-category"));
        Assert.That(world.Records.All, Has.None.Matches<KeyValuePair<string, byte[]>>(record => record.Key.Contains(torrent.Torrent.Id.ToString())));

        world.Client.Change(() => torrent.Category = "tv");
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [Test]
    [SourceCase(21)]
    public async Task Category_ThatBecomesExcludedHalfway_GoesOnAndIsDelivered()
    {
        await using var world = new SourceWorld();
        world.Options.Filter.ExcludeCategories = ["done"];
        var torrent = world.Client.Add(SourceWorld.Torrent("film"), complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);

        world.Client.Change(() =>
        {
            torrent.Category = "done";
            torrent.Has.SetAll();
        });
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(world.Destination.Calls, Has.None.StartsWith("Abort"));
        Assert.That(world.Destination.Find(torrent.Torrent.Id)!.Parameters!.Category, Is.EqualTo("done"));
    }

    [Test]
    public async Task Private_WhereSkipped_IsFoundInTheManifestAndLeftAlone()
    {
        await using var world = new SourceWorld();
        world.Options.Filter.PrivateTorrents = PrivateTorrents.Skip;
        var secret = world.Client.Add(new TorrentBuilder("secret") { Length = 50_000, PieceLength = 16384, IsPrivate = true }.Build());
        var open = world.Client.Add(SourceWorld.Torrent("open"));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(open) && world.StateOf(secret.Torrent.Id) == "Excluded");

        Assert.That(world.Destination.Count("Init"), Is.EqualTo(open.ExportCalls + 1), "one for the open one, with its file");
        Assert.That((secret.ExportCalls, open.ExportCalls), Is.EqualTo((1, 1)), "what the list needed is not asked for again");
    }

    [Test]
    public async Task Tracker_OfAList_DecidesAfterOneQuestionEach()
    {
        await using var world = new SourceWorld();
        world.Options.Filter.IncludeTrackers = ["*.good.example"];
        var good = world.Client.Add(SourceWorld.Torrent("good"));
        var bad = world.Client.Add(SourceWorld.Torrent("bad", seed: 2));
        good.Trackers = ["udp://one.bad.example:80/announce", "https://two.good.example/passkey/announce"];
        bad.Trackers = ["https://bad.example/announce", "no address"];
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(good) && world.StateOf(bad.Torrent.Id) == "Excluded");
        await world.PassAsync(TimeSpan.FromMinutes(1));

        Assert.That((good.TrackerCalls, bad.TrackerCalls), Is.EqualTo((1, 1)));
        Assert.That(bad.ExportCalls, Is.Zero);
    }

    [Test]
    public async Task ClientThatFails_WhileItIsAsked_IsAskedAgain()
    {
        await using var world = new SourceWorld();
        world.Options.Filter.IncludeTrackers = ["good.example"];
        var torrent = world.Client.Add(SourceWorld.Torrent("good"));
        torrent.Trackers = ["https://good.example/announce"];
        torrent.TrackerFaults = 2;
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(torrent.TrackerCalls, Is.EqualTo(3));
    }

    [Test]
    public async Task Synced_WhatAListForbidsLater_KeepsItsRecord()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        await world.StopAsync();

        world.Options.Filter.ExcludeCategories = ["films"];
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        await world.PassAsync(TimeSpan.FromMinutes(1));
        Assert.That(world.IsSynced(torrent), Is.True);
    }
}
