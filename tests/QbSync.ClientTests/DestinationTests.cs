using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.ClientTests;

/// <summary>What a real client makes of what the destination gives it. No torrent here ever has a peer, so a byte that the client lacks stays lacking.</summary>
[Category("Real")]
[Parallelizable(ParallelScope.Children)]
internal sealed class DestinationTests
{
    private const int Piece = 16 * 1024;
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

    private static IEnumerable<TestCaseData> Partials()
    {
        foreach (var version in (TorrentVersion[])[TorrentVersion.V1, TorrentVersion.Hybrid])
        {
            foreach (var wanted in (string[])["a", "b", "d", "bd"])
            {
                yield return new TestCaseData(version, false, wanted).SetArgDisplayNames($"{version}", wanted);
            }
        }

        yield return new TestCaseData(TorrentVersion.V1, true, "bd").SetArgDisplayNames("V1 with pads", "bd");
    }

    /// <summary>The boundary bytes come to the client by the exported part file, or no recheck could reach 1.0.</summary>
    [DestinationCase(42)]
    [DestinationCase(90)]
    [DestinationCase(44)]
    [TestCaseSource(nameof(Partials))]
    public async Task PartialSelection_NoPeer_RecheckReachesOneStoppedAndNothingIsDownloaded(TorrentVersion version, bool withPads, string wanted)
    {
        var torrent = new TorrentBuilder($"partial {version} {withPads} {wanted}") { Version = version, WithPads = withPads, PieceLength = Piece, Seed = wanted.Length + (int)version }
            .AddFile("a", 100_001).AddFile("b", 40_000).AddFile("c", 5).AddFile("d", 100_000).AddFile("e", 77_777).Build();
        var init = DestinationLab.MakeInit(torrent, IsWanted);
        if (await IsUnsupportedAsync(torrent, init))
        {
            return;
        }

        var status = await _lab.CompleteAsync(torrent, init);
        await AssertWholeAsync(torrent, status, file => wanted.Contains(file.Path[^1], StringComparison.Ordinal));

        // Asked for once more by a person, the client comes to the same end.
        await _lab.Client.RecheckAsync(status.Id, CancellationToken.None);
        await _lab.BecomesAsync(torrent, static now => now.State.IsChecking() || now.IsComplete, "the recheck begins");
        status = await _lab.BecomesAsync(torrent, static now => now.IsComplete && now.State.IsStopped(), "the recheck ends at 1.0, stopped");
        await AssertWholeAsync(torrent, status, file => wanted.Contains(file.Path[^1], StringComparison.Ordinal));

        bool IsWanted(TorrentFile file) => file.IsReal && wanted.Contains(file.Path[^1], StringComparison.Ordinal);
    }

    private static IEnumerable<TestCaseData> Wholes()
    {
        yield return Make(new TorrentBuilder("whole v1") { PieceLength = Piece, Seed = 21 }, "v1");
        yield return Make(new TorrentBuilder("whole padded") { PieceLength = Piece, Seed = 22, WithPads = true }, "v1 with pads");
        yield return Make(new TorrentBuilder("whole padded tail") { PieceLength = Piece, Seed = 23, WithPads = true, WithTailPad = true }, "v1 with a tail pad");
        yield return Make(new TorrentBuilder("whole hybrid") { PieceLength = Piece, Seed = 24, Version = TorrentVersion.Hybrid }, "hybrid");
        yield return Make(new TorrentBuilder("whole v2") { PieceLength = Piece, Seed = 25, Version = TorrentVersion.V2 }, "v2");

        static TestCaseData Make(TorrentBuilder builder, string name) =>
            new TestCaseData(builder.AddFile("first.bin", 100_001).AddFile("sub/second.bin", 40_000).AddFile("third.bin", 70_000).Build()).SetArgDisplayNames(name);
    }

    [DestinationCase(44)]
    [TestCaseSource(nameof(Wholes))]
    public async Task EveryVersion_Whole_ByteExactAndComplete_OrUnsupported(BuiltTorrent torrent)
    {
        var init = DestinationLab.MakeInit(torrent);
        if (!await IsUnsupportedAsync(torrent, init))
        {
            await AssertWholeAsync(torrent, await _lab.CompleteAsync(torrent, init), static _ => true);
        }
    }

    [TestCase(false)]
    [TestCase(true, Category = "Long")]
    [DestinationCase(85)]
    [DestinationCase(86)]
    public async Task FullSelection_IsAtOneAtOnceStopped_WithItsParameters_AndNeverAnnounced(bool isMeasured)
    {
        await using var tracker = new LocalTracker();
        var torrent = new TorrentBuilder($"announce {isMeasured}.bin") { Length = 3_000_000, Seed = 31, Tracker = tracker.Url }.Build();
        var began = TimeProvider.System.GetTimestamp();
        var status = await _lab.CompleteAsync(torrent, DestinationLab.MakeInit(torrent, subPath: ["shows", "old"]));
        var took = TimeProvider.System.GetElapsedTime(began);
        TestContext.Out.WriteLine($"{took.TotalSeconds:0.0} s");
        if (isMeasured)
        {
            Assert.That(took, Is.LessThan(TimeSpan.FromSeconds(15)));
        }

        Assert.Multiple(() =>
        {
            Assert.That((status.State, status.Progress, status.AmountLeft), Is.EqualTo((ClientTorrentState.StoppedUp, 1.0, 0L)));
            Assert.That(status.Category, Is.EqualTo("linux"));
            Assert.That(status.Tags, Is.EquivalentTo(new[] { "iso", "mine", "synced" }));
            Assert.That(status.SavePath.TrimEnd('/'), Is.EqualTo(Path.Combine(_lab.Data, "shows", "old")));
            Assert.That(status.SelectedSize, Is.EqualTo(torrent.Manifest.ContentLength));
        });
        Assert.That(torrent.FindDifference(Path.Combine(_lab.Data, "shows", "old")), Is.Null);
        Assert.That(tracker.Announces, Is.Empty);
    }

    [DestinationCase(14)]
    [DestinationCase(86)]
    [TestCase(ContentLayout.Original, true, "layout one 0.bin")]
    [TestCase(ContentLayout.Subfolder, true, "layout one 1/layout one 1.bin")]
    [TestCase(ContentLayout.NoSubfolder, true, "layout one 2.bin")]
    [TestCase(ContentLayout.Original, false, "layout many 0/x.bin layout many 0/sub/y.bin")]
    [TestCase(ContentLayout.Subfolder, false, "layout many 1/x.bin layout many 1/sub/y.bin")]
    [TestCase(ContentLayout.NoSubfolder, false, "x.bin sub/y.bin")]
    public async Task Layout_OfTheRequest_IsThatOfDiskAndClient(ContentLayout layout, bool isSingle, string expected)
    {
        var builder = new TorrentBuilder(isSingle ? $"layout one {(int)layout}.bin" : $"layout many {(int)layout}") { PieceLength = Piece, Length = 50_000, Seed = 40 + (int)layout };
        var torrent = (isSingle ? builder : builder.AddFile("x.bin", 30_000).AddFile("sub/y.bin", 20_000)).Build();
        var place = $"layout {layout} {isSingle}";
        if (layout == ContentLayout.Subfolder && isSingle && !await _lab.IsAtLeastAsync("2.7.0"))
        {
            Assert.That(await _lab.InitAsync(DestinationLab.MakeInit(torrent, null, layout, place)), Is.InstanceOf<InitOutcome.Refused>(), "before 4.3.2 no folder is added");
            return;
        }

        var status = await _lab.CompleteAsync(torrent, DestinationLab.MakeInit(torrent, null, layout, place));
        var shown = (await _lab.Client.GetFilesAsync(status.Id, CancellationToken.None)).Select(static file => file.Path);
        Assert.That(string.Join(' ', shown), Is.EqualTo(expected));
        Assert.That(ListFiles(place), Is.EquivalentTo(shown));
    }

    [Test]
    [DestinationCase(14)]
    public async Task NamesOfTheSource_AreThoseOfDiskAndClient_AndABadOneIsNotTaken()
    {
        var torrent = new TorrentBuilder("renamed") { PieceLength = Piece, Seed = 51 }.AddFile("x.bin", 30_000).AddFile("y.bin", 20_000).Build();
        var init = DestinationLab.MakeInit(torrent, null, ContentLayout.Original, "names") with { Files = [Named(0, "renamed", "other name.bin"), Named(1)] };
        var open = await _lab.InitAsync(init);
        var canRename = await _lab.IsAtLeastAsync("2.8.1");
        Assert.That((open as InitOutcome.Open)?.OwnNames, Is.EqualTo(!canRename), "a client before 4.3.5 cannot be told of other names");
        var status = await _lab.CompleteAsync(torrent, init);
        var shown = (await _lab.Client.GetFilesAsync(status.Id, CancellationToken.None)).Select(static file => file.Path);
        Assert.That(shown, Is.EquivalentTo(new[] { canRename ? "renamed/other name.bin" : "renamed/x.bin", "renamed/y.bin" }));
        Assert.That(ListFiles("names"), Is.EquivalentTo(shown));

        var bad = new TorrentBuilder("kept") { PieceLength = Piece, Seed = 52 }.AddFile("x.bin", 30_000).AddFile("y.bin", 20_000).Build();
        init = DestinationLab.MakeInit(bad, null, ContentLayout.Original, "own") with { Files = [Named(0, "kept", "y.bin"), Named(1)] };
        Assert.That((await _lab.InitAsync(init) as InitOutcome.Open)?.OwnNames, Is.True);
        await _lab.CompleteAsync(bad, init);
        Assert.That(ListFiles("own"), Is.EquivalentTo(new[] { "kept/x.bin", "kept/y.bin" }));

        static SourceFile Named(int index, params string[] name) => new(index, null, name);
    }

    [Test]
    [DestinationCase(118)]
    public async Task Selection_EnlargedAndReducedAfterComplete_SendsWhatLacks_InTheSameEntry()
    {
        var torrent = new TorrentBuilder("choice") { PieceLength = Piece, Seed = 61 }.AddFile("a", 10 * Piece).AddFile("b", 5 * Piece).AddFile("c", 20 * Piece).Build();
        var first = await _lab.CompleteAsync(torrent, Wanting("a"));
        var sent = _lab.Sent[torrent.Id];
        if (!await _lab.IsAtLeastAsync("2.8.4"))
        {
            // 4.2 never looks again at a file that it had set aside, until it is restarted; so it is refused there, and nothing is started.
            var refused = await _lab.FinalizeAsync(torrent, Wanting("ac"));
            Assert.That((refused as FinalizeOutcome.Refused)?.Refusal.Reason, Is.EqualTo(RefusalReason.ClientRefused), $"{refused}");
            Assert.That((await _lab.FindAsync(torrent))!.State.IsStopped(), Is.True);
            return;
        }

        var second = await _lab.CompleteAsync(torrent, Wanting("ac"));
        Assert.That(_lab.Sent[torrent.Id] - sent, Is.EqualTo(20), "only what lacked");
        Assert.That((second.Id, second.AddedAt), Is.EqualTo((first.Id, first.AddedAt)));
        await AssertWholeAsync(torrent, second, static file => file.Path[^1] is "a" or "c");

        sent = _lab.Sent[torrent.Id];
        var third = await _lab.CompleteAsync(torrent, Wanting("c"));
        Assert.That(_lab.Sent[torrent.Id] - sent, Is.Zero);
        Assert.That((third.Id, third.AddedAt), Is.EqualTo((first.Id, first.AddedAt)));
        Assert.That(await SelectedAsync(third), Is.EqualTo(new[] { "choice/c" }));
        Assert.That(torrent.FindDifference(_lab.Data, static file => file.Path[^1] is "a" or "c"), Is.Null, "what was final stays");

        InitRequest Wanting(string names) => DestinationLab.MakeInit(torrent, file => names.Contains(file.Path[^1], StringComparison.Ordinal));
    }

    private async Task AssertWholeAsync(BuiltTorrent torrent, TorrentStatus status, Func<BuiltFile, bool> isWanted)
    {
        var properties = await _lab.GetPropertiesAsync(status);
        var selected = await SelectedAsync(status);
        Assert.Multiple(() =>
        {
            Assert.That((status.State, status.Progress, status.AmountLeft), Is.EqualTo((ClientTorrentState.StoppedUp, 1.0, 0L)), status.RawState);
            Assert.That(properties.GetProperty("total_downloaded").GetInt64(), Is.Zero);
            Assert.That(selected, Is.EquivalentTo(torrent.Files.Where(isWanted).Select(static file => string.Join('/', file.Path))));
            Assert.That(torrent.FindDifference(_lab.Data, isWanted), Is.Null);
            Assert.That(torrent.Files.Where(file => !isWanted(file) && File.Exists(Path.Combine(_lab.Data, file.RelativePath))), Is.Empty, "files that nobody wants");
            Assert.That(status.Tags, Does.Contain("synced"));
        });
    }

    private async Task<List<string>> SelectedAsync(TorrentStatus status) =>
        [.. (await _lab.Client.GetFilesAsync(status.Id, CancellationToken.None)).Where(static file => file.Selected && !file.Path.Contains(".pad/", StringComparison.Ordinal)).Select(static file => file.Path)];

    /// <summary>A client on libtorrent 1 says so at Init of a torrent without v1 hashes, and has not a byte of it then.</summary>
    private async Task<bool> IsUnsupportedAsync(BuiltTorrent torrent, InitRequest init)
    {
        if (await _lab.InitAsync(init) is not InitOutcome.Refused { Refusal.Reason: RefusalReason.Unsupported })
        {
            return false;
        }

        Assert.That(torrent.Manifest.V1.Length, Is.Zero);
        Assert.That(Directory.Exists(Path.Combine(_lab.Data, torrent.Name)), Is.False);
        return true;
    }

    private IEnumerable<string> ListFiles(string place) =>
        Directory.EnumerateFiles(Path.Combine(_lab.Data, place), "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(Path.Combine(_lab.Data, place), path));
}
