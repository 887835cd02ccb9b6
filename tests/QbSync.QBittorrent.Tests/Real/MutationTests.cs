using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.QBittorrent.Tests.Real;

/// <summary>What a real client makes of each change, and what is never sent to it.</summary>
[Category("Real"), Parallelizable]
internal sealed class MutationTests
{
    private RealClient _real = null!;
    private int _seed = 400;

    [OneTimeSetUp]
    public async Task StartAsync() => _real = await RealClient.StartAsync();

    [OneTimeTearDown]
    public async Task EndAsync() => await _real.DisposeAsync();

    [TestCase(false), TestCase(true, Category = "Long"), ClientCase(29)]
    public async Task EachChange_IsSeenWithin3S_AndAgainChangesNothing(bool isMeasured)
    {
        var client = _real.Client;
        var id = (await _real.SeedAsync(Several())).Id;
        ClientTorrentId[] ids = [id];
        await ChangeAsync(id, "start", isMeasured, () => client.StartAsync(ids, false, default), static (status, _) => status is { IsActive: true, Side: TorrentSide.Seeding });
        await ChangeAsync(id, "stop", isMeasured, () => client.StopAsync(ids, false, default), static (status, _) => status.State == ClientTorrentState.StoppedUp);
        await ChangeAsync(id, "tags", isMeasured, () => client.AddTagsAsync(ids, ["a", "b"], default), static (status, _) => status.Tags.SetEquals(["a", "b"]));
        await ChangeAsync(id, "tag off", isMeasured, () => client.RemoveTagsAsync(ids, ["b"], default), static (status, _) => status.Tags.SetEquals(["a"]));
        await client.EnsureCategoryAsync("films", default);
        await client.EnsureCategoryAsync("films", default);
        await ChangeAsync(id, "category", isMeasured, () => client.SetCategoryAsync(ids, "films", default), static (status, _) => status.Category == "films");
        await ChangeAsync(id, "no category", isMeasured, () => client.SetCategoryAsync(ids, "", default), static (status, _) => status.Category.Length == 0);
        var hasInactive = (await client.DescribeAsync(false, default)).Capabilities.LimitsInactivity;
        Assert.That(hasInactive, Is.EqualTo(await _real.IsAtLeastAsync("2.9.2")));
        foreach (var (ratio, seeding, inactive) in new[] { (1.5, 90, 30), (-1, -1, -1), (-2, 5, -1), (0, 0, 0), (-2, -2, -2) })
        {
            var limits = ShareLimits.FromNumbers(ratio, seeding, hasInactive ? inactive : -2);
            await ChangeAsync(
                id,
                $"limits {limits}",
                isMeasured,
                () => client.SetShareLimitsAsync(ids, ShareLimits.FromNumbers(ratio, seeding, inactive), default),
                (status, _) => status.Limits == limits);
        }

        await ChangeAsync(id, "unwanted", isMeasured, () => client.SelectAsync(id, [0, 2], false, default), static (_, files) => files.All(file => file.Selected == (file.Index == 1)));
        await ChangeAsync(id, "wanted", isMeasured, () => client.SelectAsync(id, [0, 2], true, default), static (_, files) => files.All(static file => file.Selected));
        await client.DeleteAsync(ids, withFiles: true, default);
        await LookAsync("delete", isMeasured, async () => (await client.GetAsync(ids, default)).Count == 0);
        await client.DeleteAsync(ids, withFiles: true, default);
        Assert.That(await client.GetAsync(ids, default), Is.Empty);
    }

    [Test, ClientCase(30)]
    public async Task Start_OfMissingFilesOrWhatWouldDownload_IsAConflictUnsent_AndSentByForce()
    {
        var lost = Several();
        await _real.Client.AddAsync(Request(lost) with { SkipCheck = true }, default);
        var missing = await _real.BecomesAsync(lost, static status => status.State == ClientTorrentState.MissingFiles);
        var empty = Several();
        await _real.Client.AddAsync(Request(empty), default);
        var stopped = await _real.BecomesAsync(empty, static status => status.State == ClientTorrentState.StoppedDl);

        var sent = Sent("Resume");
        Assert.That(FaultOf(() => _real.Client.StartAsync([missing.Id], false, default)), Is.EqualTo(ClientFault.Conflict));
        Assert.That(FaultOf(() => _real.Client.StartAsync([stopped.Id], false, default)), Is.EqualTo(ClientFault.Conflict));
        Assert.That(FaultOf(() => _real.Client.StartAsync([missing.Id, stopped.Id], false, default)), Is.EqualTo(ClientFault.Conflict));
        Assert.That(Sent("Resume"), Is.EqualTo(sent));
        await _real.Client.StartAsync([stopped.Id], true, default);
        Assert.That(Sent("Resume"), Is.EqualTo(sent + 1));
        await _real.BecomesAsync(empty, static status => status is { IsActive: true, Side: TorrentSide.Downloading });
        await _real.Client.DeleteAsync([missing.Id, stopped.Id], withFiles: true, default);
    }

    [Test, ClientCase(30)]
    public async Task Stop_WhileChecking_IsAConflictUnsent_AndSentIfAllowed()
    {
        // So many bytes that their check is not over before the guard looks, however long that takes; none of them is on the disk.
        const long Length = 64L << 30;
        const int PieceLength = 16 << 20;
        var map = new TorrentBuilder("checked for long.bin") { Length = 1000 }.BuildMap();
        var info = (BencodeMap)map["info"];
        (info["length"], info["piece length"], info["pieces"]) = (Length, (long)PieceLength, new byte[20 * (Length / PieceLength)]);
        var bytes = BencodeWriter.Write(map);
        var manifest = TorrentManifest.Parse(bytes);
        await using (var file = File.Create(Path.Combine(_real.Instance.SavePath, "checked for long.bin")))
        {
            file.SetLength(Length);
        }

        await _real.Client.AddAsync(new AddTorrentRequest { Torrent = bytes, SavePath = _real.Instance.SavePath }, default);
        var id = (await BecomesAsync(static status => status.IsChecking || status.IsStopped)).Id;
        await _real.Client.RecheckAsync(id, default);
        await BecomesAsync(static status => status.State is ClientTorrentState.CheckingDl or ClientTorrentState.CheckingUp);

        var sent = Sent("Stop");
        Assert.That(FaultOf(() => _real.Client.StopAsync([id], false, default)), Is.EqualTo(ClientFault.Conflict));
        Assert.That(Sent("Stop"), Is.EqualTo(sent));
        await _real.Client.StopAsync([id], true, default);
        Assert.That(Sent("Stop"), Is.EqualTo(sent + 1));
        await BecomesAsync(static status => status.IsStopped);
        await _real.Client.DeleteAsync([id], withFiles: true, default);

        async Task<TorrentStatus> BecomesAsync(Func<TorrentStatus, bool> condition)
        {
            TorrentStatus? status = null;
            await Eventually.BecomesTrueAsync(async () => (status = await _real.Client.FindAsync(manifest.V1, manifest.V2, default)) is { } found && condition(found));
            return status!;
        }
    }

    [Test, ClientCase(31)]
    public async Task ThreeRenames_EachSeenBeforeTheNext_AreInListAndOnDisk_OrUnsupported()
    {
        var torrent = Several();
        var status = await _real.SeedAsync(torrent);
        string[] names = ["a.bin", "sub/b.bin", "c.bin"], wanted = ["x y: ü?.bin", "other/deep/b.bin", "🎬 c.bin"];
        if (!(await _real.Client.DescribeAsync(false, default)).Capabilities.RenamesFiles)
        {
            var sent = Sent("RenameFile");
            Assert.That(FaultOf(() => _real.Client.RenameFileAsync(status.Id, $"{torrent.Name}/a.bin", "x", default)), Is.EqualTo(ClientFault.Unsupported));
            Assert.That(Sent("RenameFile"), Is.EqualTo(sent));
            Assert.That(await _real.IsAtLeastAsync("2.8.1"), Is.False);
            return;
        }

        for (var i = 0; i < 3; i++)
        {
            string from = $"{torrent.Name}/{names[i]}", to = $"{torrent.Name}/{wanted[i]}";
            await _real.Client.RenameFileAsync(status.Id, from, to, default);
            await Eventually.BecomesTrueAsync(async () => (await _real.Client.GetFilesAsync(status.Id, default)).Any(file => file.Path == to), expression: $"file {i} is renamed");
        }

        for (var i = 0; i < 3; i++)
        {
            var path = Path.Combine(_real.Instance.SavePath, torrent.Name, wanted[i]);
            await Eventually.BecomesTrueAsync(() => File.Exists(path));
            Assert.That(await File.ReadAllBytesAsync(path), Is.EqualTo(torrent.ReadFile(i)), wanted[i]);
            Assert.That(File.Exists(Path.Combine(_real.Instance.SavePath, torrent.Name, names[i])), Is.False);
        }

        Assert.That(
            (await _real.Client.GetFilesAsync(status.Id, default)).Select(static file => file.Path),
            Is.EqualTo(wanted.Select(name => $"{torrent.Name}/{name}")));
    }

    [Test, ClientCase(32)]
    public async Task Delete_WithoutFiles_OfOneWithAnUnselectedFile_LeavesItOrIsUnsupported_AndTakesThePartFile()
    {
        var torrent = Several();
        var status = await _real.SeedAsync(torrent);
        await _real.Client.SelectAsync(status.Id, [0], false, default);
        await Eventually.BecomesTrueAsync(async () => !(await _real.Client.GetFilesAsync(status.Id, default))[0].Selected);
        var parts = Path.Combine(_real.Instance.SavePath, $".{status.Id}.parts");
        await File.WriteAllBytesAsync(parts, new byte[2048]);
        var sent = Sent("DeleteTorrents");
        if (!await _real.IsAtLeastAsync("2.8.18"))
        {
            Assert.That(FaultOf(() => _real.Client.DeleteAsync([status.Id], false, default)), Is.EqualTo(ClientFault.Unsupported));
            Assert.That(Sent("DeleteTorrents"), Is.EqualTo(sent));
            Assert.That(await _real.Client.GetAsync([status.Id], default), Has.Count.EqualTo(1));
            return;
        }

        await _real.Client.DeleteAsync([status.Id], false, default);
        await Eventually.BecomesTrueAsync(async () => await _real.Client.FindAsync(torrent.Manifest.V1, default, default) is null);
        await Eventually.BecomesTrueAsync(() => !File.Exists(parts));
        Assert.That(torrent.FindDifference(_real.Instance.SavePath), Is.Null);
    }

    private BuiltTorrent Several()
    {
        var seed = ++_seed;
        return new TorrentBuilder($"several {seed}") { Seed = seed, PieceLength = 16 * 1024 }.AddFile("a.bin", 20_000).AddFile("sub/b.bin", 40_000).AddFile("c.bin", 50_000).Build();
    }

    private AddTorrentRequest Request(BuiltTorrent torrent) => new() { Torrent = torrent.Bytes, SavePath = _real.Instance.SavePath };

    /// <summary>A change, seen, then the same again, after which all is as it was.</summary>
    private async Task ChangeAsync(
        ClientTorrentId id, string what, bool isMeasured, Func<ValueTask> change, Func<TorrentStatus, IReadOnlyList<ClientFile>, bool> isSeen)
    {
        await change();
        await LookAsync(what, isMeasured, async () => isSeen(await GetAsync(id), await _real.Client.GetFilesAsync(id, default)));
        var before = await GetAsync(id);
        await change();
        var after = await GetAsync(id);
        Assert.That((after.Tags.Order(), after.Category, after.Limits, after.IsStopped, after.Side), Is.EqualTo((before.Tags.Order(), before.Category, before.Limits, before.IsStopped, before.Side)), what);
        Assert.That(isSeen(after, await _real.Client.GetFilesAsync(id, default)), Is.True, $"{what}, again");
    }

    /// <summary>Looks until it is seen; within 3 s where that is measured.</summary>
    private static async Task LookAsync(string what, bool isMeasured, Func<Task<bool>> isSeen)
    {
        var began = TimeProvider.System.GetTimestamp();
        await Eventually.BecomesTrueAsync(isSeen, expression: $"{what} is seen");
        var took = TimeProvider.System.GetElapsedTime(began);
        if (isMeasured)
        {
            Assert.That(took, Is.LessThan(TimeSpan.FromSeconds(3)), what);
        }
    }

    private async Task<TorrentStatus> GetAsync(ClientTorrentId id) => (await _real.Client.GetAsync([id], default)).Single();

    private double Sent(string operation) => _real.Metric("qbsync_qb_api_calls_total", operation) is var calls && double.IsNaN(calls) ? 0 : calls;

    private static ClientFault? FaultOf(Func<ValueTask> call) => Assert.ThrowsAsync<TorrentClientException>(async () => await call())!.Fault;
}
