using Microsoft.Extensions.Logging;
using QbSync.Engine.Source.Records;
using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source;

/// <summary>Faults stay in their torrent.</summary>
[TestFixture]
internal sealed class SourceFaultTests
{
    private const int Unexpected = 4055;

    /// <summary>Strikes come minutes apart.</summary>
    private static readonly TimeSpan Coarse = TimeSpan.FromSeconds(1);

    [Test]
    [SourceCase(6)]
    public async Task Phase_ThatThrows_IsOneStrikeAndTouchesNobodyElse()
    {
        await using var world = new SourceWorld();
        world.Log.Expect(Unexpected);
        var bad = world.Client.Add(SourceWorld.Torrent("bad"));
        var good = world.Client.Add(SourceWorld.Torrent("good", seed: 2));
        var faults = 1;
        world.ClientTap = (method, args) =>
        {
            if (method == nameof(ITorrentClient.GetFilesAsync) && args[0] is ClientTorrentId id && id == bad.Id && Interlocked.Decrement(ref faults) >= 0)
            {
                throw new InvalidOperationException("No code expects this.");
            }
        };
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(good) && world.IsSynced(bad), Coarse);

        var strikes = world.Log.Entries.Where(static entry => entry.Id.Name == "Strike").ToArray();
        Assert.That(strikes, Has.Length.EqualTo(1));
        Assert.That(strikes[0].ToString(), Does.Contain("bad").And.Contain("internal"));
    }

    [Test]
    [SourceCase(6)]
    public async Task Phase_ThatThrowsAlways_FailsItsTorrentAndNobodyElse()
    {
        await using var world = new SourceWorld();
        world.Log.Expect(Unexpected);
        var bad = world.Client.Add(SourceWorld.Torrent("bad"));
        world.ClientTap = (method, args) =>
        {
            if (method == nameof(ITorrentClient.GetFilesAsync) && args[0] is ClientTorrentId id && id == bad.Id)
            {
                throw new InvalidOperationException("No code expects this.");
            }
        };
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(bad.Torrent.Id) == "Failed", Coarse);
        var late = world.Client.Add(SourceWorld.Torrent("late", seed: 2));
        await world.PassUntilAsync(() => world.IsSynced(late));
        Assert.That(world.Progress(bad.Torrent.Id)!.Reason, Does.Contain("internal"));
    }

    [Test]
    [SourceCase(6)]
    public async Task Recovery_OfOneThatEndsTheProcessThreeTimes_FailsItAndTheRestRuns()
    {
        await using var world = new SourceWorld();
        var bad = world.Client.Add(SourceWorld.Torrent("bad"));
        var good = world.Client.Add(SourceWorld.Torrent("good", seed: 2));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(good) && world.IsSynced(bad));
        await world.StopAsync();
        var name = $"torrents/{bad.Torrent.Id}.json";
        world.RecordsTap = (method, args) =>
        {
            if (method == nameof(IDurableRecords.ReadAsync) && name.Equals(args[0]))
            {
                throw new InvalidOperationException("Reading this ends the process.");
            }
        };
        for (var i = 0; i < RecoveryLedger.Limit; i++)
        {
            world.Start();
            await world.PassUntilAsync(() => world.HasEnded);
            Assert.That(world.StopAsync, Throws.InvalidOperationException);
        }

        world.Start();
        await world.PassUntilAsync(() => world.StateOf(bad.Torrent.Id) == "Failed" && world.IsSynced(good) && bad.Tags.Contains("sync-failed"));
        Assert.That(world.Progress(bad.Torrent.Id)!.Reason, Does.Contain("recovery"));

        // The user asks for another try: its record is fresh, and the destination has it.
        await world.PassAsync(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(2));
        world.RecordsTap = null;
        world.Client.Change(() => bad.Tags.Clear());
        await world.PassUntilAsync(() => world.IsSynced(bad));
        Assert.That(world.Destination.Link!.Sends, Is.Zero);
    }

    [Test]
    public async Task Recovery_ThatEndsTheProcessTwice_IsForgottenAfterAWhile()
    {
        var records = new MemoryRecords();
        var id = SourceWorld.Torrent("film").Id;
        var ledger = await RecoveryLedger.LoadAsync(records, default);
        await ledger.BlameAsync(id, default);
        await ledger.BlameAsync(id, default);
        Assert.That((await RecoveryLedger.LoadAsync(records, default)).IsEmpty, Is.False);

        await using var world = new SourceWorld();
        foreach (var (name, content) in records.All)
        {
            await world.Records.WriteAsync(name, content, default);
        }

        world.Start();
        await world.PassAsync(RecoveryLedger.Healthy + TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(20));
        Assert.That((await RecoveryLedger.LoadAsync(world.Records, default)).IsEmpty, Is.True);
    }

    [Test]
    [SourceCase(77)]
    public async Task Strikes_SurviveARestart_AndAreForgottenWhenItIsSynced()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Destination.OnInit = static _ => new InitOutcome.Refused(new Refusal(RefusalReason.InvalidTorrent, "It is not."));
        world.Start();
        await world.PassUntilAsync(() => Strikes(world) == 2, Coarse);
        await world.StopAsync();

        // The third comes from the next process: it knows of the two.
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Failed", Coarse);
        Assert.That(Strikes(world), Is.EqualTo(3));
        world.Destination.OnInit = static _ => null;
        await world.PassUntilAsync(() => torrent.Tags.Contains("sync-failed"), Coarse);
        await world.PassAsync(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(2));
        world.Client.Change(() => torrent.Tags.Clear());
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        await world.StopAsync();
        var store = new RecordStore(world.Records, world.Log.CreateLogger<RecordStore>());
        var record = (await store.LoadAsync(await store.LoadLedgerAsync(default), default)).Single();
        Assert.That((record.Strikes, record.FailedAt), Is.EqualTo((Array.Empty<DateTimeOffset>(), (DateTimeOffset?)null)));
    }

    [Test]
    [SourceCase(78)]
    public async Task Failed_WithoutATag_RestsForADayAndIsTriedAgain()
    {
        await using var world = new SourceWorld();
        world.Options.SyncFailedTag = "";
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Destination.OnInit = static _ => new InitOutcome.Refused(new Refusal(RefusalReason.InvalidTorrent, "It is not."));
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Failed", Coarse);
        var inits = world.Destination.Count("Init");
        await world.PassAsync(TimeSpan.FromHours(23), TimeSpan.FromHours(1));
        Assert.That((world.Destination.Count("Init"), torrent.Tags.Count), Is.EqualTo((inits, 0)));

        world.Destination.OnInit = static _ => null;
        await world.PassAsync(TimeSpan.FromHours(1), TimeSpan.FromMinutes(5));
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [Test]
    [SourceCase(78)]
    public async Task Failed_WhenItsTagCannotBeSet_IsFailedAllTheSameAndTheTagComesLater()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        var tries = 0;
        var isBroken = true;
        world.ClientTap = (method, _) =>
        {
            if (method == nameof(ITorrentClient.AddTagsAsync))
            {
                Interlocked.Increment(ref tries);
                if (Volatile.Read(ref isBroken))
                {
                    throw new TorrentClientException(ClientFault.ServerError, "AddTags", "The client does not take tags.");
                }
            }
        };
        world.Destination.OnInit = static _ => new InitOutcome.Refused(new Refusal(RefusalReason.InvalidTorrent, "It is not."));
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Failed" && tries > 0, Coarse);
        var inits = world.Destination.Count("Init");
        await world.PassAsync(TimeSpan.FromMinutes(3), TimeSpan.FromSeconds(5));
        Assert.That(world.StateOf(torrent.Torrent.Id), Is.EqualTo("Failed"));
        Assert.That(world.Destination.Count("Init"), Is.EqualTo(inits));
        Assert.That(tries, Is.InRange(3, 10), "once in each cycle");

        Volatile.Write(ref isBroken, false);
        world.Destination.OnInit = static _ => null;
        await world.PassUntilAsync(() => torrent.Tags.Contains("sync-failed"), Coarse);
        await world.PassAsync(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(2));
        Assert.That(world.StateOf(torrent.Torrent.Id), Is.EqualTo("Failed"));

        world.Client.Change(() => torrent.Tags.Clear());
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    private static int Strikes(SourceWorld world) => world.Log.Entries.Count(static entry => entry.Id.Name == "Strike");
}
