using QbSync.Engine.Tests.Source.World;
using QbSync.Ports;

namespace QbSync.Engine.Tests.Source;

[TestFixture]
internal sealed class SourceEngineTests
{
    [Test]
    public async Task Complete_torrent_IsStreamedFinalizedAndTagged()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        torrent.Limits = ShareLimits.FromNumbers(2, 20, -1);
        world.Start();

        await world.PassUntilAsync(() => world.IsSynced(torrent) && torrent.Tags.Contains("synced"));

        var held = world.Destination.Find(torrent.Torrent.Id)!;
        Assert.That(held.Have.IsFull, Is.True);
        Assert.That(held.Parameters!.Category, Is.EqualTo("films"));
        Assert.That(held.Parameters!.Limits, Is.EqualTo(ShareLimits.FromNumbers(1.5, -2, -1)), "what is left: the limit of minutes is reached");
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(8));
        Assert.That(torrent.ExportCalls, Is.EqualTo(1));
        Assert.That(world.Records.All.Keys, Does.Contain($"torrents/{torrent.Torrent.Id}.json"));
    }
}
