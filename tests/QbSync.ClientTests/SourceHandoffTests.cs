using QbSync.Engine;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.ClientTests;

/// <summary>Whole handovers between two real clients that announce to one tracker: who seeds when, what is deleted, and what keeps it.</summary>
[Category("Real")]
[Parallelizable(ParallelScope.All)]
internal sealed partial class SourceHandoffTests
{
    private EnginesLab _lab = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _lab = await EnginesLab.StartAsync(new EnginesLabOptions { ConfigureSource = HandOverWhatHasSeeded });
        _lab.SourceLogs.Expect(static entry => entry.Id.Name == "NotStartedAgain");
    }

    [TearDown]
    public void LookAtClients() => _lab.AssertClientsRun();

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        if (_lab is not null)
        {
            await _lab.DisposeAsync();
        }
    }

    private static void HandOverWhatHasSeeded(SourceOptions options)
    {
        options.Handoff.Mode = HandoffMode.Seeded;
        options.Handoff.MinSeedingTime = TimeSpan.Zero;
        options.Handoff.DeleteGrace = TimeSpan.Zero;
        options.Handoff.ExcludeCleanupTag = "stays";
    }

    [Test]
    [SourceCase(88)]
    [SourceCase(100)]
    public async Task Handover_StopsHereBeforeItStartsThere_AndLeavesItActiveAndMarkedThereAlone()
    {
        var torrent = new TorrentBuilder("handed over") { Seed = 701, Tracker = _lab.Tracker.Url, IsPrivate = true }
            .AddFile("a.bin", 1_500_001).AddFile("empty.nfo", 0).AddFile("sub/b.bin", 700_000).Build();
        var id = await _lab.SeedAsync(torrent, ("tags", "mine"));
        await HandedOverAsync(torrent);

        var (here, there) = (_lab.Source.PeerAddress.Port, _lab.Destination.PeerAddress.Port);
        await _lab.Tracker.AssertComesToAsync(there, torrent);
        _lab.Tracker.AssertExclusive(torrent);
        var announces = _lab.Tracker.Of(torrent);
        var told = _lab.Tracker.Tell(torrent);
        Assert.Multiple(() =>
        {
            // A client that waits long for its answer announces the same once more.
            Assert.That(announces.Where(announce => announce.Port == here).Select(static announce => announce.Event).Distinct(), Is.EqualTo(new[] { "started", "stopped" }), told);
            Assert.That(announces.First(announce => announce.Port == there).Event, Is.EqualTo("started"), told);
            Assert.That(announces.Where(announce => announce.Port == there).Select(static announce => announce.Event), Has.None.EqualTo("stopped"), told);
        });

        // The order in which the two were asked.
        long[] steps =
        [
            First(_lab.Verbs, nameof(IDestination.ProveAsync), call => IsOf<ProveRequest>(call, request => request.Id == torrent.Id)),
            First(_lab.AtSource, nameof(ITorrentClient.StopAsync), call => Names(call, id)),
            First(_lab.Verbs, nameof(IDestination.StartAsync), call => IsOf<StartRequest>(call, request => request.Id == torrent.Id)),
            Last(_lab.Verbs, nameof(IDestination.ProveAsync), call => IsOf<ProveRequest>(call, request => request.Id == torrent.Id)),
            First(_lab.AtSource, nameof(ITorrentClient.DeleteAsync), call => Names(call, id)),
            First(_lab.Verbs, nameof(IDestination.ConfirmHandoffAsync), call => IsOf<ConfirmHandoffRequest>(call, request => request.Id == torrent.Id)),
        ];
        Assert.That(steps, Is.Ordered.And.Unique);
        Assert.That((await _lab.FindThereAsync(torrent))!.Tags, Does.Contain("mine"));
    }

    [Test]
    [Category("Long")]
    [SourceCase(92)]
    public async Task Stop_ThatIsNotReadBack_StartsNothingThere()
    {
        var torrent = new TorrentBuilder("not stopped.bin") { Seed = 711, Length = 400_000, Tracker = _lab.Tracker.Url }.Build();
        ClientTorrentId? id = null;
        var stops = 0;
        _lab.AtSource.Follow(async call =>
        {
            // Somebody starts it again each time, before a look at it could show it stopped.
            if (call.Method == nameof(ITorrentClient.StopAsync) && id is { } known && Names(call, known))
            {
                Interlocked.Increment(ref stops);
            }

            if (call.Method is nameof(ITorrentClient.StopAsync) or nameof(ITorrentClient.GetAsync) && id is { } started && stops > 0 && Names(call, started))
            {
                await _lab.SourceClient.StartAsync([started], force: true, CancellationToken.None);
            }
        });
        await _lab.SeedAsync(torrent, added =>
        {
            id = added;
            return Task.CompletedTask;
        });
        await _lab.Until(
            () => Task.FromResult(stops > 0 && _lab.Progress(torrent)?.State == "Synced"), null, torrent, "the handover was given up");
        await AssertKeptAsync(torrent);
        Assert.That(_lab.Verbs.Of(nameof(IDestination.StartAsync)).Where(call => IsOf<StartRequest>(call, request => request.Id == torrent.Id)), Is.Empty);
        _lab.Tracker.AssertExclusive(torrent);
    }

    [Test]
    [Category("Long")]
    [SourceCase(92)]
    public async Task Start_ThatIsRefused_ComesBackHereEvenWhenTheClientRefusesAtFirst()
    {
        var torrent = new TorrentBuilder("refused there.bin") { Seed = 712, Length = 400_000, Tracker = _lab.Tracker.Url }.Build();
        var (moved, refusals) = (0, 0);
        ClientTorrentId? id = null;
        var path = Path.Combine(_lab.Destination.SavePath, torrent.Name);
        _lab.Verbs.Hold(call =>
        {
            // What the client there is to seed is gone between the proof and the start.
            if (call.Method == nameof(IDestination.StartAsync) && IsOf<StartRequest>(call, request => request.Id == torrent.Id) && Interlocked.Exchange(ref moved, 1) == 0)
            {
                File.Move(path, path + ".away");
            }

            return Task.CompletedTask;
        });
        _lab.AtSource.Hold(call => call.Method == nameof(ITorrentClient.StartAsync) && id is { } known && Names(call, known) && Interlocked.Increment(ref refusals) <= 3
            ? throw new TorrentClientException(ClientFault.ServerError, call.Method, "Not now.")
            : Task.CompletedTask);
        await _lab.SeedAsync(torrent, added =>
        {
            id = added;
            return Task.CompletedTask;
        });
        await _lab.Until(() => Task.FromResult(moved == 1 && refusals > 3), null, torrent, "it was refused there, and here at first");
        await _lab.Until(async () => await _lab.FindHereAsync(torrent) is { IsActive: true }, null, torrent, "it is active here again");
        await AssertKeptAsync(torrent);
        Assert.That(await _lab.FindThereAsync(torrent) is { IsActive: true }, Is.False, "it is not active there");
        _lab.Tracker.AssertExclusive(torrent);
    }

    [Test]
    [SourceCase(104)]
    public async Task APath_OfTwoTorrentsOfWhichOneMayNotLeave_IsDeletedByNeither()
    {
        (BuiltTorrent Leaves, string Tag)[] pairs = [(Make("excluded", 721), "keep out"), (Make("failed", 722), "sync-failed"), (Make("unfinished", 723), "")];
        var ids = new List<ClientTorrentId>();
        foreach (var (leaves, _) in pairs)
        {
            ids.Add(await _lab.SeedAsync(leaves, ("tags", "stays")));
        }

        for (var i = 0; i < pairs.Length; i++)
        {
            await _lab.SyncedAsync(pairs[i].Leaves);

            // The same file in another torrent, which is forbidden, has failed, or lacks a file that nobody has.
            var (leaves, tag) = pairs[i];
            var other = new TorrentBuilder(leaves.Name) { Seed = leaves.Files[0].Content.Seed, PieceLength = 32 * 1024 }
                .AddFile("shared.bin", leaves.Files[0].Length).AddFile("of the other.bin", 200_000).Build();
            await Person.AddAsync(_lab.Source, other, [.. tag.Length > 0 ? new[] { ("tags", tag) } : []]);
            await Eventually.BecomesTrueAsync(async () => await _lab.FindHereAsync(other) is { IsChecking: false });
            await _lab.SourceClient.StartAsync([(await _lab.FindHereAsync(other))!.Id], force: true, CancellationToken.None);
        }

        await _lab.SourceClient.RemoveTagsAsync(ids, ["stays"], CancellationToken.None);

        // It has seeded less than they, so its turn is after theirs.
        var free = new TorrentBuilder("leaves alone.bin") { Seed = 724, Length = 300_000 }.Build();
        await _lab.SeedAsync(free);
        await HandedOverAsync(free);
        foreach (var (leaves, _) in pairs)
        {
            await AssertKeptAsync(leaves);
            Assert.That(_lab.Progress(leaves)!.State, Is.EqualTo("Synced"));
        }

        static BuiltTorrent Make(string name, int seed) => new TorrentBuilder($"one path {name}") { Seed = seed, PieceLength = 16 * 1024 }.AddFile("shared.bin", 300_000).Build();
    }

    /// <summary>Waits until a torrent has left, and says what is to hold then.</summary>
    private async Task HandedOverAsync(BuiltTorrent torrent)
    {
        TorrentStatus? there = null;
        await _lab.Until(
            async () => await _lab.FindHereAsync(torrent) is null && (there = await _lab.FindThereAsync(torrent)) is { IsActive: true } && there.Tags.Contains("source-removed"),
            null,
            torrent,
            "it is gone here, and active and marked there");
        Assert.That(there!.IsComplete, Is.True, there.RawState);
        Assert.That(there.Tags, Does.Contain("synced"));
        Assert.That(torrent.FindDifference(_lab.Destination.SavePath), Is.Null);

        // Its files go a little after its entry.
        await Eventually.BecomesTrueAsync(
            () => !torrent.Files.Any(file => File.Exists(Path.Combine(_lab.Source.SavePath, file.RelativePath))), expression: "its files are gone here");
    }

    /// <summary>It is active here with all its bytes.</summary>
    private async Task AssertKeptAsync(BuiltTorrent torrent)
    {
        Assert.That((await _lab.FindHereAsync(torrent))!.IsActive, Is.True, torrent.Name);
        Assert.That(torrent.FindDifference(_lab.Source.SavePath), Is.Null);
    }

    private static bool IsOf<T>(PortCall call, Func<T, bool> condition) => call.Arguments is [_, T request, ..] && condition(request);

    private static bool Names(PortCall call, ClientTorrentId id) => call.Arguments[0] is IEnumerable<ClientTorrentId> ids && ids.Contains(id);

    private static long First<T>(PortCalls<T> calls, string method, Func<PortCall, bool> condition)
        where T : class => calls.Of(method).First(condition).At;

    private static long Last<T>(PortCalls<T> calls, string method, Func<PortCall, bool> condition)
        where T : class => calls.Of(method).Last(condition).At;
}
