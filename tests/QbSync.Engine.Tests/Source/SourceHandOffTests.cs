using System.Text.Json;
using QbSync.Engine.Tests.Source.World;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source;

/// <summary>One torrent that a person wants to be handed over, and what is written down of a delete.</summary>
[TestFixture]
internal sealed class SourceHandOffTests
{
    [Test]
    public async Task Asked_WithoutNeedOfSpace_HandsOverAndWritesTheProofDownBeforeTheDelete()
    {
        await using var world = new SourceWorld();
        world.Options.Handoff.MinSeedingTime = TimeSpan.Zero;
        world.Options.Handoff.DeleteGrace = TimeSpan.Zero;
        var linesAtDelete = -1;
        world.ClientTap = (method, _) => linesAtDelete = method == nameof(Ports.ITorrentClient.DeleteAsync) && linesAtDelete < 0 ? world.Records.Lines.Count : linesAtDelete;
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        var other = world.Client.Add(SourceWorld.Torrent("other", seed: 2));
        world.Disk.Put("/data/film", 1, torrent.Torrent.Manifest.ContentLength);
        world.Disk.Put("/data/other", 2, other.Torrent.Manifest.ContentLength);
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent) && world.IsSynced(other));

        // Right after its sync it is looked at for a moment.
        string? refusal;
        while ((refusal = await world.PassUntilEndedAsync(world.Engine.HandOffAsync(torrent.Torrent.Id, default))) is { Length: > 0 })
        {
            await world.PassAsync(TimeSpan.FromSeconds(1));
        }

        Assert.That(refusal, Is.Empty);
        Assert.That(await world.Engine.HandOffAsync(torrent.Torrent.Id, default), Is.Not.Empty, "one at a time");
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "HandedOff");

        Assert.That(world.Client.Has(torrent), Is.False);
        Assert.That(world.IsSynced(other), Is.True);
        var (name, line) = world.Records.Lines.Single();
        using var audit = JsonDocument.Parse(line);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(linesAtDelete, Is.EqualTo(1));
            Assert.That(name, Is.EqualTo("audit.jsonl"));
            Assert.That(audit.RootElement.GetProperty("event").GetString(), Is.EqualTo("delete"));
            Assert.That(audit.RootElement.GetProperty("hash").GetString(), Is.EqualTo(torrent.Torrent.Id.ToString()));
            Assert.That(audit.RootElement.GetProperty("cause").GetString(), Is.EqualTo("Asked"));
            Assert.That(audit.RootElement.GetProperty("proof").GetString(), Is.Not.Empty);
            Assert.That(audit.RootElement.GetProperty("bytesReadBack").GetInt64(), Is.EqualTo(torrent.Torrent.Manifest.ContentLength));
        }
    }

    [Test]
    public async Task Asked_ForWhatMayNotGo_IsRefusedWithTheReason()
    {
        await using var world = new SourceWorld();
        world.Options.Handoff.MinSeedingTime = TimeSpan.FromHours(1);
        world.Options.Handoff.ExcludeCleanupTag = "stays";
        var young = world.Client.Add(SourceWorld.Torrent("young"));
        var kept = world.Client.Add(SourceWorld.Torrent("kept", seed: 2));
        kept.Tags.Add("stays");
        var half = world.Client.Add(SourceWorld.Torrent("half", seed: 3), complete: false);
        world.Client.Change(() => half.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(young) && world.IsSynced(kept) && world.StateOf(half.Torrent.Id) == "Streaming");

        // What is looked at right now is refused for that; it is over once time has passed with nobody at work.
        await world.PassAsync(TimeSpan.FromSeconds(5));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await world.Engine.HandOffAsync(young.Torrent.Id, default), Is.EqualTo("it has not seeded long enough"));
            Assert.That(await world.Engine.HandOffAsync(kept.Torrent.Id, default), Is.EqualTo("the tag 'stays' keeps it"));
            Assert.That(await world.Engine.HandOffAsync(half.Torrent.Id, default), Is.EqualTo("it is Streaming"));
            Assert.That(await world.Engine.HandOffAsync(InfoHash.Parse(new string('f', 40)), default), Is.Null);
        }

        Assert.That(world.Records.Lines, Is.Empty);
        await world.StopAsync();
        Assert.That(await world.Engine.HandOffAsync(young.Torrent.Id, default), Is.Null, "it does not run");
    }

    [Test]
    public async Task Delete_WhileTheAuditCannotBeWritten_WaitsForIt()
    {
        await using var world = new SourceWorld();
        world.Options.Handoff.Mode = HandoffMode.Seeded;
        world.Options.Handoff.MinSeedingTime = TimeSpan.Zero;
        world.Options.Handoff.DeleteGrace = TimeSpan.Zero;
        var isBroken = true;
        var tries = 0;
        world.RecordsTap = (method, _) =>
        {
            if (method == nameof(Ports.IDurableRecords.AppendLineAsync))
            {
                Interlocked.Increment(ref tries);
                if (Volatile.Read(ref isBroken))
                {
                    throw new StorageException(StorageFault.NoSpace, "The disk is full.");
                }
            }
        };
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Disk.Put("/data/film", 1, torrent.Torrent.Manifest.ContentLength);
        world.Start();
        await world.PassUntilAsync(() => Volatile.Read(ref tries) >= 3);
        Assert.That(world.Client.Has(torrent), Is.True);

        Volatile.Write(ref isBroken, false);
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "HandedOff");
        Assert.That(world.Client.Has(torrent), Is.False);
    }
}
