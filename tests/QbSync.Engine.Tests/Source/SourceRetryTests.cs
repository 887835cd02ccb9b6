using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source;

/// <summary>What a person wants to be tried again.</summary>
internal sealed class SourceRetryTests
{
    private static readonly TimeSpan Coarse = TimeSpan.FromSeconds(1);

    [Test]
    [SourceCase(78)]
    [HostCase(40)]
    public async Task Failed_TriedAgainByTheUser_LosesItsTagAndItsStrikesAndIsSynced([Values("sync-failed", "")] string tag)
    {
        await using var world = new SourceWorld();
        world.Options.SyncFailedTag = tag;
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Destination.OnInit = static _ => new InitOutcome.Refused(new Refusal(RefusalReason.InvalidTorrent, "It is not."));
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Failed" && (tag.Length == 0 || torrent.Tags.Contains(tag)), Coarse);

        world.Destination.OnInit = static _ => null;
        Assert.That(await world.Engine.RetryAsync(InfoHash.Parse(new string('f', 40)), default).DefaultTimeout(), Is.Null, "not known");

        // While its tag is being read back there is nothing to try again yet.
        while (await world.Engine.RetryAsync(torrent.Torrent.Id, default).DefaultTimeout() is 0)
        {
            await world.PassAsync(Coarse);
        }

        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(torrent.Tags, Has.None.EqualTo("sync-failed"));
        Assert.That(await world.Engine.RetryAsync(torrent.Torrent.Id, default).DefaultTimeout(), Is.Zero, "there is nothing to try again");
    }

    [Test]
    [HostCase(40)]
    public async Task Held_TriedAgainByTheUser_DoesNotWaitForItsTime()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Destination.OnInit = static _ => new InitOutcome.Refused(new Refusal(RefusalReason.InvalidTorrent, "It is not."));
        world.Start();
        await world.PassUntilAsync(() => world.Log.Entries.Any(static entry => entry.Id.Name == "Strike"));
        world.Destination.OnInit = static _ => null;
        Assert.That(await world.Engine.RetryAsync(null, default).DefaultTimeout(), Is.EqualTo(1));
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [Test]
    public async Task Engine_ThatDoesNotRun_KnowsNothingToTryAgain()
    {
        await using var world = new SourceWorld();
        world.Start();
        await world.StopAsync();
        Assert.That(await world.Engine.RetryAsync(null, default).DefaultTimeout(), Is.Null);
    }
}
