using QbSync.Ports;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.QBittorrent.Tests.Real;

[Category("Real"), NonParallelizable]
internal sealed class TorrentTests
{
    private RealClient _real = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _real = await RealClient.StartAsync();

    [OneTimeTearDown]
    public async Task EndAsync() => await _real.DisposeAsync();

    [Test]
    public async Task Add_SeedModeStopped_IsCompleteStoppedAndHasAllPieces()
    {
        var torrent = new TorrentBuilder("seed mode") { Seed = 11 }.AddFile("a.bin", 700_001).AddFile("b/empty", 0).AddFile("b/c.bin", 300_000).Build();
        torrent.WriteContent(_real.Instance.SavePath);
        Assert.That(await _real.Client.FindAsync(torrent.Manifest.V1, default, default), Is.Null);
        var outcome = await _real.Client.AddAsync(Request(torrent) with { Category = "", Tags = ["one", "two"] }, default).DefaultTimeout();
        var status = await _real.BecomesAsync(torrent, static status => status.IsComplete && status.State.IsStopped());
        var pieces = await _real.Client.GetPiecesAsync(status.Id, torrent.Manifest.PieceCount, default).DefaultTimeout();

        Assert.That(outcome, Is.EqualTo(AddTorrentOutcome.Taken));
        Assert.That(status.Name, Is.EqualTo("seed mode"));
        Assert.That(status.SavePath.TrimEnd('/'), Is.EqualTo(_real.Instance.SavePath));
        Assert.That(status.ContentPath.TrimEnd('/'), Is.EqualTo(Path.Combine(_real.Instance.SavePath, "seed mode")).Or.Empty, "4.2 does not tell it");
        Assert.That((status.Side, status.AmountLeft, status.HasMetadata), Is.EqualTo((TorrentSide.Seeding, 0L, true)));
        Assert.That(status.SelectedSize, Is.EqualTo(torrent.Manifest.ContentLength));
        Assert.That(pieces.IsFull, Is.True);
        Assert.That(pieces.Length, Is.EqualTo(torrent.Manifest.PieceCount));
        if (await _real.IsAtLeastAsync("2.6.2"))
        {
            Assert.That(status.Tags, Is.EquivalentTo(new[] { "one", "two" }));
        }
    }

    [Test]
    public async Task Add_TwiceOrGarbage_LooksTellThemApart()
    {
        var torrent = new TorrentBuilder("twice.bin") { Seed = 12 }.Build();
        await _real.SeedAsync(torrent);
        var again = await _real.Client.AddAsync(Request(torrent), default).DefaultTimeout();
        var garbage = await _real.Client.AddAsync(Request(torrent) with { Torrent = "no torrent at all"u8.ToArray() }, default).DefaultTimeout();

        Assert.That(again, Is.Not.EqualTo(AddTorrentOutcome.Refused));
        Assert.That(garbage, Is.EqualTo(AddTorrentOutcome.Refused).Or.EqualTo(AddTorrentOutcome.Unclear));
        Assert.That(await _real.Client.FindAsync(torrent.Manifest.V1, default, default).DefaultTimeout(), Is.Not.Null);
    }

    [Test]
    public async Task Recheck_UncheckedContent_EndsCompleteAndStopped()
    {
        var torrent = new TorrentBuilder("unchecked.bin") { Seed = 13, Length = 3_000_000 }.Build();
        torrent.WriteContent(_real.Instance.SavePath);
        await _real.Client.AddAsync(Request(torrent) with { SkipCheck = false }, default).DefaultTimeout();
        var added = await _real.BecomesAsync(torrent, static status => status.State.IsStopped());
        await _real.Client.RecheckAsync(added.Id, default).DefaultTimeout();
        await _real.BecomesAsync(torrent, static status => status.IsComplete && status.State == ClientTorrentState.StoppedUp);
        await Eventually.BecomesTrueAsync(
            async () => (await _real.Client.GetPiecesAsync(added.Id, torrent.Manifest.PieceCount, default)).IsFull);
    }

    [Test]
    public async Task StartThenStop_SeedingTorrent_ReadBackSoFollows()
    {
        var torrent = new TorrentBuilder("start stop.bin") { Seed = 14 }.Build();
        var added = await _real.SeedAsync(torrent);
        await _real.Client.StartAsync([added.Id], force: false, default).DefaultTimeout();
        var started = await _real.BecomesAsync(torrent, static status => status.State.IsActive());
        await _real.Client.StopAsync([added.Id], whileChecking: false, default).DefaultTimeout();
        var stopped = await _real.BecomesAsync(torrent, static status => status.State.IsStopped());

        Assert.That(started.Side, Is.EqualTo(TorrentSide.Seeding));
        Assert.That(stopped.State, Is.EqualTo(ClientTorrentState.StoppedUp));
    }

    [Test]
    public async Task Start_OfWhatWouldDownload_IsConflictUnsent()
    {
        var torrent = new TorrentBuilder("nothing here.bin") { Seed = 15 }.Build();
        await _real.Client.AddAsync(Request(torrent) with { SkipCheck = false }, default).DefaultTimeout();
        var status = await _real.BecomesAsync(torrent, static status => status.State == ClientTorrentState.StoppedDl);
        var fault = Assert.ThrowsAsync<TorrentClientException>(async () => await _real.Client.StartAsync([status.Id], force: false, default))!;

        Assert.That(fault.Fault, Is.EqualTo(ClientFault.Conflict));
        Assert.That(status.Progress, Is.Zero);
    }

    [Test]
    public async Task TagsAndCategory_SetAndTakenAway_AreReadBack()
    {
        var torrent = new TorrentBuilder("labels.bin") { Seed = 16 }.Build();
        var added = await _real.SeedAsync(torrent);
        await _real.Client.EnsureCategoryAsync("films é/4k 🎬", default).DefaultTimeout();
        await _real.Client.EnsureCategoryAsync("films é/4k 🎬", default).DefaultTimeout();
        await _real.Client.SetCategoryAsync([added.Id], "films é/4k 🎬", default).DefaultTimeout();
        await _real.Client.AddTagsAsync([added.Id], ["synced", "ü & = % +"], default).DefaultTimeout();
        var labelled = await _real.BecomesAsync(torrent, static status => status.Tags.Count >= 2 && status.Category.Length > 0);
        await _real.Client.RemoveTagsAsync([added.Id], ["synced"], default).DefaultTimeout();
        await _real.Client.SetCategoryAsync([added.Id], "", default).DefaultTimeout();
        var bare = await _real.BecomesAsync(torrent, static status => !status.Tags.Contains("synced") && status.Category.Length == 0);

        Assert.That(labelled.Category, Is.EqualTo("films é/4k 🎬"));
        Assert.That(labelled.Tags, Is.SupersetOf(new[] { "synced", "ü & = % +" }));
        Assert.That(bare.Tags, Does.Contain("ü & = % +"));
        Assert.That(
            Assert.ThrowsAsync<TorrentClientException>(async () => await _real.Client.SetCategoryAsync([added.Id], "no such", default))!.Fault,
            Is.EqualTo(ClientFault.Conflict));
    }

    [Test]
    public async Task Files_ManyWithUnicodeNames_AreListedAndDeselected()
    {
        var builder = new TorrentBuilder("Ünïcödé 目录 🎬") { Seed = 17, PieceLength = 16384 };
        for (var i = 0; i < 600; i++)
        {
            builder.AddFile($"föld er/文件 {i:0000} [x] 'q'.bin", i == 7 ? 0 : 1000 + i);
        }

        var torrent = builder.Build();
        var added = await _real.SeedAsync(torrent);
        var files = await _real.Client.GetFilesAsync(added.Id, default).DefaultTimeout();
        Assert.That(files.Select(static file => file.Path), Is.EqualTo(torrent.Files.Select(static file => string.Join('/', file.Path))));
        Assert.That(files.Select(static file => file.Index), Is.EqualTo(Enumerable.Range(0, 600)));
        Assert.That(files.Select(static file => file.Size), Is.EqualTo(torrent.Files.Select(static file => file.Length)));
        Assert.That(files.Select(static file => file.Selected), Is.All.True);

        await _real.Client.SelectAsync(added.Id, [.. Enumerable.Range(0, 550)], wanted: false, default).DefaultTimeout();
        await Eventually.BecomesTrueAsync(async () =>
        {
            // 4.2 builds each change on what it read before the last one, so a second round may be needed.
            int[] left = [.. (await _real.Client.GetFilesAsync(added.Id, default)).Where(static file => file.Selected && file.Index < 550).Select(static file => file.Index)];
            await _real.Client.SelectAsync(added.Id, left, wanted: false, default);
            return left.Length == 0;
        });
        await _real.Client.SelectAsync(added.Id, [0], wanted: true, default).DefaultTimeout();
        await Eventually.BecomesTrueAsync(async () => (await _real.Client.GetFilesAsync(added.Id, default))[0].Selected);
    }

    [TestCase(TorrentVersion.V1)]
    [TestCase(TorrentVersion.Hybrid)]
    [TestCase(TorrentVersion.V2)]
    public async Task Export_OfEachVersion_HasTheSameInfoHashAndIsFound(TorrentVersion version)
    {
        if (version == TorrentVersion.V2 && !await _real.IsAtLeastAsync("2.8.4"))
        {
            Assert.Ignore("libtorrent 1.2 holds no v2 torrent.");
        }

        var torrent = new TorrentBuilder($"export {version}") { Seed = 18, Version = version, PieceLength = 32768, IsPrivate = true, Tracker = "http://127.0.0.1:9/secret" }
            .AddFile("a.bin", 100_000).AddFile("b.bin", 40_000).AddFile("c.bin", 5).Build();
        var status = await _real.SeedAsync(torrent);
        var pieces = await _real.Client.GetPiecesAsync(status.Id, torrent.Manifest.PieceCount, default).DefaultTimeout();
        Assert.That(pieces.IsFull, Is.True);
        if (!await _real.IsAtLeastAsync("2.8.18"))
        {
            Assert.That(
                Assert.ThrowsAsync<TorrentClientException>(async () => await _real.Client.GetManifestAsync(status.Id, default))!.Fault,
                Is.EqualTo(ClientFault.Unsupported));
            return;
        }

        var exported = TorrentManifest.Parse(await _real.Client.GetManifestAsync(status.Id, default).DefaultTimeout());
        Assert.That((exported.V1, exported.V2), Is.EqualTo((torrent.Manifest.V1, torrent.Manifest.V2)));
        Assert.That((status.V1, status.V2), Is.EqualTo((torrent.Manifest.V1, torrent.Manifest.V2)));
        Assert.That(await _real.Client.FindAsync(torrent.Manifest.V1, InfoHash.None, default).DefaultTimeout(),
            version == TorrentVersion.V1 ? Is.Not.Null : Is.Null, "a client on libtorrent 2 knows hybrids by their v2 hash alone");
    }

    [Test]
    public async Task UnknownTorrent_InEachVerb_IsNotFoundOrNothing()
    {
        var id = new ClientTorrentId(new string('a', 40));
        Assert.That(await _real.Client.GetAsync([id], default).DefaultTimeout(), Is.Empty);
        Assert.That(FaultOf(() => _real.Client.GetFilesAsync(id, default).AsTask()), Is.EqualTo(ClientFault.NotFound));
        Assert.That(FaultOf(() => _real.Client.GetPiecesAsync(id, 5, default).AsTask()), Is.EqualTo(ClientFault.NotFound));
        if (await _real.IsAtLeastAsync("2.8.18"))
        {
            Assert.That(FaultOf(() => _real.Client.GetManifestAsync(id, default).AsTask()), Is.EqualTo(ClientFault.NotFound));
        }

        Assert.That(FaultOf(() => _real.Client.RenameFileAsync(id, "a", "b", default).AsTask()), Is.EqualTo(ClientFault.NotFound).Or.EqualTo(ClientFault.Unsupported));
    }

    [Test]
    public async Task Pieces_WrongCount_IsBrokenAnswer()
    {
        var torrent = new TorrentBuilder("count.bin") { Seed = 19 }.Build();
        var status = await _real.SeedAsync(torrent);
        Assert.That(
            FaultOf(() => _real.Client.GetPiecesAsync(status.Id, torrent.Manifest.PieceCount + 1, default).AsTask()), Is.EqualTo(ClientFault.BrokenAnswer));
    }

    [Test]
    public async Task RenameFile_ByPath_IsSeenOnDisk()
    {
        if (!await _real.IsAtLeastAsync("2.8.1"))
        {
            Assert.Ignore("Renames by path came with 4.3.5.");
        }

        var torrent = new TorrentBuilder("rename") { Seed = 20 }.AddFile("old name.bin", 1000).AddFile("other.bin", 10).Build();
        var status = await _real.SeedAsync(torrent);
        await _real.Client.RenameFileAsync(status.Id, "rename/old name.bin", "rename/nèw: name?.bin", default).DefaultTimeout();
        await Eventually.BecomesTrueAsync(
            async () => (await _real.Client.GetFilesAsync(status.Id, default)).Any(static file => file.Path == "rename/nèw: name?.bin"));
        await Eventually.BecomesTrueAsync(() => File.Exists(Path.Combine(_real.Instance.SavePath, "rename", "nèw: name?.bin")));
    }

    [Test]
    public async Task Add_EachLayout_LaysFilesSo()
    {
        foreach (var (layout, expected) in new[] { (ContentLayout.Original, "l0.bin"), (ContentLayout.Subfolder, "l1/l1.bin"), (ContentLayout.NoSubfolder, "l2.bin") })
        {
            if (layout == ContentLayout.Subfolder && !await _real.IsAtLeastAsync("2.7.0"))
            {
                continue;
            }

            var torrent = new TorrentBuilder($"l{(int)layout}.bin") { Seed = 21 + (int)layout }.Build();
            await _real.Client.AddAsync(Request(torrent) with { SkipCheck = false, Layout = layout }, default).DefaultTimeout();
            var status = await _real.BecomesAsync(torrent, static status => status.State.IsStopped());
            var files = await _real.Client.GetFilesAsync(status.Id, default).DefaultTimeout();
            Assert.That(files[0].Path.Split('/'), Has.Length.EqualTo(expected.Split('/').Length), layout.ToString());
        }
    }

    [Test]
    public async Task FirstRequests_WithoutAnyTorrentNamed_AreRefusedUnsent()
    {
        Assert.That(async () => await _real.Client.StopAsync([], true, default), Throws.InstanceOf<ArgumentException>());
        Assert.That(async () => await _real.Client.StopAsync([new ClientTorrentId("all")], true, default), Throws.InstanceOf<ArgumentException>());
        var id = new ClientTorrentId(new string('a', 40));
        Assert.That(async () => await _real.Client.AddTagsAsync([id], ["a,b"], default), Throws.InstanceOf<ArgumentException>());
        await Task.CompletedTask;
    }

    private AddTorrentRequest Request(BuiltTorrent torrent) => new() { Torrent = torrent.Bytes, SavePath = _real.Instance.SavePath, SkipCheck = true };

    private static ClientFault? FaultOf(Func<Task> call) => Assert.ThrowsAsync<TorrentClientException>(async () => await call().DefaultTimeout())?.Fault;
}
