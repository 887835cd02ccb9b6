using QbSync.Engine.Tests.Source.World;
using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source.Tracking;

public sealed class NoMetadataTests
{
    [TestCase(ClientTorrentState.MetaDl)]
    [TestCase(ClientTorrentState.ForcedMetaDl)]
    [TestCase(ClientTorrentState.StoppedDl)]
    [TestCase(ClientTorrentState.StalledDl)]
    [ClientCase(20)]
    [SourceCase(12)]
    public async Task Magnet_UntilItsMetadataIsThere_IsAskedForNothing(ClientTorrentState state)
    {
        await using var world = new SourceWorld();
        var magnet = world.Client.Add(SourceWorld.Torrent("magnet"), complete: false);
        var other = world.Client.Add(SourceWorld.Torrent("other", seed: 2));
        (magnet.ForcedState, magnet.HasMetadata) = (state, false);
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(other));
        await world.PassAsync(TimeSpan.FromMinutes(10));
        Assert.That((magnet.FilesCalls, magnet.PieceCalls, magnet.ExportCalls), Is.EqualTo((0, 0, 0)));
        Assert.That(other.FilesCalls, Is.Positive);

        world.Client.Change(() =>
        {
            (magnet.ForcedState, magnet.HasMetadata) = (null, true);
            magnet.Has.SetAll();
        });
        await world.PassUntilAsync(() => world.IsSynced(magnet));
    }
}
