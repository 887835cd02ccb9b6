using QbSync.Engine.Status;
using QbSync.Engine.Tests.Source.World;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source;

/// <summary>What a dry run says of each torrent, and that it calls nothing but reads.</summary>
[TestFixture]
[SourceCase(122)]
internal sealed class SourceDryRunTests
{
    private static readonly string[] Reads =
    [
        nameof(ITorrentClient.DescribeAsync), nameof(ITorrentClient.PollAsync), nameof(ITorrentClient.FindAsync), nameof(ITorrentClient.GetAsync),
        nameof(ITorrentClient.GetFilesAsync), nameof(ITorrentClient.GetPiecesAsync), nameof(ITorrentClient.GetManifestAsync),
        nameof(ITorrentClient.GetTrackersAsync), nameof(ITorrentClient.GetLogAsync), nameof(IDestination.HelloAsync), nameof(IDestination.GetStatusAsync),
        nameof(IDestination.WatchAsync), "get_Availability", "add_AvailabilityChanged", "remove_AvailabilityChanged",
    ];

    [Test]
    public async Task Plan_OfEveryKind_SaysWhatWouldBeDoneAndCallsOnlyReads()
    {
        await using var world = new SourceWorld();
        var synced = world.Client.Add(SourceWorld.Torrent("synced", seed: 1));
        var gone = world.Client.Add(SourceWorld.Torrent("gone", seed: 2));
        var half = world.Client.Add(SourceWorld.Torrent("half", pieces: 10, seed: 3), complete: false);
        world.Client.Change(() => half.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(synced) && world.IsSynced(gone) && world.Progress(half.Torrent.Id)?.PiecesDone == 1);
        await world.StopAsync();
        var fresh = world.Client.Add(SourceWorld.Torrent("fresh", seed: 4));
        var live = world.Client.Add(SourceWorld.Torrent("live", seed: 5), complete: false);
        world.Client.Change(() => live.Has.Set(0));
        var forbidden = world.Client.Add(SourceWorld.Torrent("forbidden", seed: 6));
        forbidden.Tags.Add("no-sync");
        var outside = world.Client.Add(SourceWorld.Torrent("outside", seed: 7));
        outside.SavePath = "/elsewhere";
        var paused = world.Client.Add(SourceWorld.Torrent("paused", seed: 8), complete: false);
        paused.ForcedState = ClientTorrentState.StoppedDl;
        world.Client.Remove(gone);
        world.Client.RestartWithout();
        var records = world.Records.All.ToDictionary();
        var calls = world.Destination.Calls.Count;

        var status = await RunAsync(world, status => status.Torrents.Count == 8);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(LineOf(status, synced.Torrent.Id), Does.StartWith("Keep").And.Contain("another 30 min"));
            Assert.That(LineOf(status, gone.Torrent.Id), Does.StartWith("Remove").And.Contain("start it"));
            Assert.That(LineOf(status, half.Torrent.Id), Does.StartWith("Stream").And.Contain("a part of it"));
            Assert.That(LineOf(status, fresh.Torrent.Id), Does.StartWith("Sync").And.Contain("does not have it"));
            Assert.That(LineOf(status, live.Torrent.Id), Does.StartWith("Stream"));
            Assert.That(LineOf(status, forbidden.Torrent.Id), Does.StartWith("Skip").And.Contain("no-sync"));
            Assert.That(LineOf(status, outside.Torrent.Id), Does.StartWith("Skip").And.Contain("path-map"));
            Assert.That(LineOf(status, paused.Torrent.Id), Does.StartWith("Skip").And.Contain("stopped"));
            Assert.That(status.Torrents.Single(torrent => torrent.Id == fresh.Torrent.Id).Bytes, Is.EqualTo(fresh.Torrent.Manifest.ContentLength));
            Assert.That(world.Destination.Calls.Skip(calls).Distinct(), Is.SubsetOf(new[] { "Hello", "GetStatus", "Watch" }));
            Assert.That(world.Records.All, Is.EqualTo(records));
            Assert.That(fresh.Tags.Concat(forbidden.Tags), Is.EqualTo(["no-sync"]));
        }

        // A real run believes nothing of it.
        world.Client.Change(() =>
        {
            half.Has.SetAll();
            live.Has.SetAll();
        });
        world.Start();
        await world.PassUntilAsync(() => new[] { synced, half, fresh, live }.All(world.IsSynced));
    }

    [Test]
    public async Task Plan_WhileTheDestinationIsAway_IsToldAllTheSameAndAnewWhenItIsBack()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Destination.SetDown(true);
        var wasAway = false;
        await RunAsync(world, status =>
        {
            var line = LineOf(status, torrent.Torrent.Id);
            if (line.Contains("does not answer", StringComparison.Ordinal))
            {
                wasAway = true;
                world.Destination.SetDown(false);
            }

            return line.Contains("does not have it", StringComparison.Ordinal);
        });
        Assert.That(wasAway, Is.True);
        Assert.That(world.Destination.Count("Init"), Is.Zero);
    }

    private static string LineOf(EngineStatus status, InfoHash id) =>
        status.Torrents.FirstOrDefault(torrent => torrent.Id == id) is { } line ? $"{line.State}: {line.Reason}" : "";

    private static async Task<EngineStatus> RunAsync(SourceWorld world, Func<EngineStatus, bool> until)
    {
        using var stop = new CancellationTokenSource();
        var registry = Prometheus.Metrics.NewCustomRegistry();
        await using var run = new SourceDryRun(
            world.Options,
            Tapped<ITorrentClient>.Wrap(world.Client, Refuse),
            Tapped<IDestination>.Wrap(world.Destination, Refuse),
            world.Client,
            Tapped<IDurableRecords>.Wrap(
                world.Records,
                static (method, args) => Assert.That(method == nameof(IDurableRecords.WriteAsync) && !"source-id".Equals(args[0]), Is.False, method)),
            Prometheus.Metrics.WithCustomRegistry(registry),
            registry,
            world.Log,
            world.Time,
            new Random(1));
        var running = Task.Run(() => run.RunAsync(stop.Token));
        await VirtualTime.PassUntilAsync(world.Time, () => running.IsCompleted || until(run.Status), static _ => TimeSpan.FromMilliseconds(100), static () => { }, () => LinesOf(run.Status));
        var status = run.Status;
        await stop.CancelAsync();
        await VirtualTime.PassUntilAsync(world.Time, () => running.IsCompleted, static _ => TimeSpan.FromMilliseconds(100), static () => { }, static () => "it ends");
        await running;
        return status;
    }

    private static string LinesOf(EngineStatus status) => string.Join("; ", status.Torrents.Select(static torrent => $"{torrent.Name} {torrent.State} {torrent.Reason}"));

    private static void Refuse(string method, object?[] args) => Assert.That(Reads, Does.Contain(method));
}
