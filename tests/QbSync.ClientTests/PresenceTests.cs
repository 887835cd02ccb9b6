using System.Text.Json;
using QbSync.Engine.Source.Tracking;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.ClientTests;

/// <summary>Torrents and categories that are at a real client already, and what each version of it makes of a torrent's files.</summary>
[Category("Real")]
[Parallelizable(ParallelScope.All)]
internal sealed class PresenceTests
{
    private const int Piece = 16 * 1024;

    /// <summary>What moves by itself while a torrent stands still.</summary>
    private static readonly HashSet<string> Volatile =
    [
        "availability", "downloaded_session", "eta", "last_activity", "num_complete", "num_incomplete", "num_leechs", "num_seeds", "popularity", "priority",
        "ratio", "reannounce", "seeding_time", "seen_complete", "time_active", "uploaded", "uploaded_session", "upspeed",
    ];

    private DestinationLab _lab = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _lab = await DestinationLab.StartAsync();

    [TearDown]
    public void LookAtClients() => _lab.AssertClientRuns();

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        if (_lab is not null)
        {
            await _lab.DisposeAsync();
        }
    }

    private static IEnumerable<TestCaseData> Kinds()
    {
        yield return Make(new TorrentBuilder("listed hybrid") { PieceLength = Piece, Seed = 301, Version = TorrentVersion.Hybrid }, "hybrid");
        yield return Make(new TorrentBuilder("listed v2") { PieceLength = Piece, Seed = 302, Version = TorrentVersion.V2 }, "v2");
        yield return Make(new TorrentBuilder("listed pads") { PieceLength = Piece, Seed = 303, WithPads = true, WithTailPad = true }, "v1 with pads");
        yield return Make(new TorrentBuilder("listed v1") { PieceLength = Piece, Seed = 304 }, "v1");

        static TestCaseData Make(TorrentBuilder builder, string name) => new TestCaseData(
            builder.AddFile("a.bin", 100_001).AddFile("empty", 0).AddFile("sub/b.bin", 40_000).AddFile("sub/c.bin", 70_000).Build()).SetArgDisplayNames(name);
    }

    [ClientCase(19)]
    [TestCaseSource(nameof(Kinds))]
    public async Task Files_OfEveryKind_PadsListedOrNot_AreFoundByTheManifest(BuiltTorrent torrent)
    {
        var client = _lab.Client;
        var capabilities = (await client.DescribeAsync(false, CancellationToken.None)).Capabilities;
        torrent.WriteContent(_lab.Data);
        var outcome = await client.AddAsync(
            new AddTorrentRequest { Torrent = torrent.Bytes, SavePath = _lab.Data, SkipCheck = true }, CancellationToken.None);
        if (torrent.Manifest.V1.Length == 0 && !capabilities.HoldsV2Torrents)
        {
            Assert.That(outcome, Is.EqualTo(AddTorrentOutcome.Refused));
            return;
        }

        var status = await _lab.BecomesAsync(torrent, static status => status.IsComplete && status.IsStopped, "stopped and complete");
        await AssertListedAsync(torrent, status, static _ => true);

        // Not wanted any more: 4.2 then lists a folder of its own for it, and numbers pads along.
        var listed = await client.GetFilesAsync(status.Id, CancellationToken.None);
        await client.SelectAsync(status.Id, [listed.Single(static file => file.Path.EndsWith("b.bin", StringComparison.Ordinal)).Index], false, CancellationToken.None);
        await Eventually.BecomesTrueAsync(async () => (await client.GetFilesAsync(status.Id, CancellationToken.None)).Count(static file => !file.Selected) >= 1);
        await AssertListedAsync(torrent, status, static file => file.Path[^1] != "b.bin");
    }

    [ClientCase(46)]
    [TestCase("seeding", RefusalReason.Unknown)]
    [TestCase("stopped", RefusalReason.Unknown)]
    [TestCase("downloading", RefusalReason.ClientIncomplete)]
    [TestCase("elsewhere", RefusalReason.Unknown)]
    [TestCase("outside", RefusalReason.ClientElsewhere)]
    public async Task ATorrentOfTheUsers_IsAfterwardsAsItWas(string kind, RefusalReason refusal)
    {
        var torrent = new TorrentBuilder($"foreign {kind}") { PieceLength = Piece, Seed = 320 + kind.Length }.AddFile("a.bin", 50_000).AddFile("b.bin", 30_000).Build();
        var place = $"theirs {kind}";
        var folder = Directory.CreateDirectory(Path.Combine(_lab.Data, kind switch
        {
            "elsewhere" => "another place",
            "outside" => "../outside",
            _ => place,
        })).FullName;
        var isWhole = kind != "downloading";
        if (isWhole)
        {
            torrent.WriteContent(folder);
        }

        await _lab.Client.EnsureCategoryAsync("their own", CancellationToken.None);
        await _lab.Client.AddAsync(
            new AddTorrentRequest { Torrent = torrent.Bytes, SavePath = folder, SkipCheck = isWhole, Category = "their own" }, CancellationToken.None);
        var status = await _lab.BecomesAsync(torrent, status => status.IsStopped && status.IsComplete == isWhole, "added");
        await _lab.Client.AddTagsAsync([status.Id], ["theirs"], CancellationToken.None);
        await _lab.Client.SetShareLimitsAsync([status.Id], ShareLimits.FromNumbers(7, -1, -2), CancellationToken.None);
        if (kind is "seeding" or "downloading")
        {
            await _lab.Client.StartAsync([status.Id], force: true, CancellationToken.None);
            await _lab.BecomesAsync(torrent, static status => status.IsActive, "started");
        }

        await _lab.BecomesAsync(torrent, static status => status.Tags.Contains("theirs") && status.Limits.Ratio == ShareLimit.Of(7), "marked");
        var before = await ReadAsync(status.Id);

        var init = DestinationLab.MakeInit(torrent, null, ContentLayout.Original, place);
        init = init with { Parameters = init.Parameters with { Limits = ShareLimits.FromNumbers(1, 60, -2) } };
        if (refusal != RefusalReason.Unknown)
        {
            Assert.That((await _lab.InitAsync(init) as InitOutcome.Refused)?.Refusal.Reason, Is.EqualTo(refusal));
        }
        else
        {
            Assert.That(await _lab.FinalizeAsync(torrent, init), Is.InstanceOf<FinalizeOutcome.Complete>());
            await _lab.UntilAsync<StartOutcome>(
                async () => await _lab.Engine.StartAsync(DestinationLab.Caller, new StartRequest(torrent.Id, StartCause.Handoff, init.Parameters), CancellationToken.None),
                static outcome => outcome is not StartOutcome.Running);
            await _lab.UntilAsync<WithdrawOutcome>(
                async () => await _lab.Engine.WithdrawAsync(DestinationLab.Caller, new WithdrawRequest(torrent.Id), CancellationToken.None),
                static outcome => outcome is not WithdrawOutcome.Running);
        }

        // Whatever had been sent would be seen after the next tick: another torrent's whole way lasts longer.
        var other = new TorrentBuilder($"after {kind}") { PieceLength = Piece, Seed = 340 + kind.Length, Length = 30_000 }.Build();
        await _lab.CompleteAsync(other, DestinationLab.MakeInit(other));
        Assert.That(await ReadAsync(status.Id), Is.EqualTo(before));
        if (isWhole)
        {
            Assert.That(torrent.FindDifference(folder), Is.Null);
        }
    }

    private async Task AssertListedAsync(BuiltTorrent torrent, TorrentStatus status, Func<BuiltFile, bool> isWanted)
    {
        var files = await _lab.Client.GetFilesAsync(status.Id, CancellationToken.None);
        var now = (await _lab.Client.GetAsync([status.Id], CancellationToken.None)).Single();
        var layout = TorrentLayout.TryCreate(now, torrent.Manifest, files, await _lab.Client.DescribeAsync(false, CancellationToken.None), out var problem);
        Assert.That(layout, Is.Not.Null, problem);
        var real = torrent.Manifest.Files.Where(static file => file.IsReal).ToList();
        Assert.That(
            real.Select(file => string.Join('/', layout!.FileNames[file.Index])), Is.EqualTo(torrent.Files.Select(static file => string.Join('/', file.Path))));
        Assert.That(real.Where(file => layout!.Selection.IsSelected(file.Index)).Select(static file => file.Path[^1]), Is.EqualTo(torrent.Files.Where(isWanted).Select(static file => file.Path[^1])));
    }

    /// <summary>All that the client says of a torrent and of its files, but for what moves by itself.</summary>
    private async Task<List<string>> ReadAsync(ClientTorrentId id)
    {
        using var torrents = JsonDocument.Parse(await _lab.Instance.GetAsync($"torrents/info?hashes={id}", CancellationToken.None));
        using var files = JsonDocument.Parse(await _lab.Instance.GetAsync($"torrents/files?hash={id}", CancellationToken.None));
        return
        [
            .. torrents.RootElement[0].EnumerateObject().Where(static field => !Volatile.Contains(field.Name)).Select(static field => $"{field.Name}: {field.Value}"),
            .. files.RootElement.EnumerateArray().Select(static file => $"{file.GetProperty("name")} {file.GetProperty("priority")} {file.GetProperty("progress")}"),
        ];
    }
}
