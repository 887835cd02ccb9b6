using QbSync.Ports;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Testing.Clients;

public abstract partial class TorrentClientConformance
{
    [TestCase(TorrentVersion.V1)]
    [TestCase(TorrentVersion.Hybrid)]
    [TestCase(TorrentVersion.V2)]
    public async Task Recheck_OfRightContent_IsComplete_AndStaysStopped(TorrentVersion version)
    {
        if (!await HoldsAsync(version))
        {
            return;
        }

        var torrent = Several(version);
        torrent.WriteContent(Folder);
        var id = await AddAsync(torrent);
        await RecheckAsync(id, IsStoppedAndComplete);
        await Eventually.BecomesTrueAsync(async () => (await Client.GetPiecesAsync(id, torrent.Manifest.PieceCount, CancellationToken.None)).IsFull, Patience);
    }

    [Test]
    public async Task Recheck_OfContentWithAWrongByte_LacksThatPieceOnly()
    {
        var torrent = Unique("single", pieceLength: 64 * 1024).Build();
        torrent.WriteContent(Folder);
        var path = Path.Combine(Folder, torrent.Files[0].RelativePath);
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[3 * 64 * 1024] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);
        var id = await AddAsync(torrent);
        await RecheckAsync(id, static status => status is { State: ClientTorrentState.StoppedDl, AmountLeft: 64 * 1024 });
        await Eventually.BecomesTrueAsync(
            async () => await Client.GetPiecesAsync(id, torrent.Manifest.PieceCount, CancellationToken.None) is var pieces
                && pieces.NextClear(0) == 3 && pieces.Count == torrent.Manifest.PieceCount - 1,
            Patience);
    }

    [Test]
    public async Task Files_AreListed_WithoutPads_InTheOrderOfTheTorrent()
    {
        var torrent = Several(TorrentVersion.Hybrid);
        var id = await AddAsync(torrent);
        var files = await Client.GetFilesAsync(id, CancellationToken.None).DefaultTimeout();
        if (!Can.HoldsV2Torrents)
        {
            // A client that knows v1 alone lists pads, wherever the torrent has them.
            Assert.That(files.Select(static file => file.Size), Is.EqualTo(torrent.Manifest.Files.Select(static file => file.Length)));
            files = [.. files.Where(file => torrent.Manifest.Files[file.Index].IsReal)];
        }

        Assert.That(files.Select(static file => file.Path), Is.EqualTo(torrent.Files.Select(static file => string.Join('/', file.Path))));
        Assert.That(files.Select(static file => file.Size), Is.EqualTo(torrent.Files.Select(static file => file.Length)));
        Assert.That(files.All(static file => file.Selected), Is.True);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task ASelection_OnDisk_IsComplete_WithItsBoundaryBytesInThePartFile(bool withPartFile)
    {
        var torrent = Several();
        BuiltTorrent.WriteFile(Folder, torrent.Files[0]);
        if (withPartFile)
        {
            await File.WriteAllBytesAsync(Path.Combine(Folder, $".{torrent.Id}.parts"), PartFileContent.Of(torrent, [1]));
        }

        var id = await AddAsync(torrent);
        var files = await Client.GetFilesAsync(id, CancellationToken.None).DefaultTimeout();
        var unwanted = files.Where(static file => !file.Path.EndsWith("/a.bin", StringComparison.Ordinal)).Select(static file => file.Index).ToList();
        await Client.SelectAsync(id, unwanted, wanted: false, CancellationToken.None).DefaultTimeout();
        await Eventually.BecomesTrueAsync(
            async () => (await Client.GetFilesAsync(id, CancellationToken.None)).Count(static file => file.Selected) == 1, Patience);
        if (!withPartFile)
        {
            var status = await RecheckAsync(id, static status => status is { State: ClientTorrentState.StoppedDl, Progress: > 0 and < 1 });
            Assert.That(status.AmountLeft, Is.Positive);
            return;
        }

        var complete = await RecheckAsync(id, IsStoppedAndComplete);
        Assert.That(complete.SelectedSize, Is.InRange(20_000, 2 * 16 * 1024), "libtorrent 2 counts the boundary piece whole");
        await Eventually.BecomesTrueAsync(async () => (await Client.GetPiecesAsync(id, torrent.Manifest.PieceCount, CancellationToken.None)).Count == 2, Patience);
        await Client.StartAsync([id], force: false, CancellationToken.None).DefaultTimeout();
        await UntilAsync(id, static status => status.State == ClientTorrentState.StalledUp);
    }

    [Test]
    public async Task ARename_ChangesListAndDisk_AndNothingElse()
    {
        var torrent = Several();
        torrent.WriteContent(Folder);
        var id = await AddAsync(torrent, skipCheck: true);
        await UntilAsync(id, IsStoppedAndComplete);
        var newPath = $"{torrent.Name}/new/name ☃.bin";
        if (!Can.RenamesFiles)
        {
            AssertUnsupported(async () => await Client.RenameFileAsync(id, $"{torrent.Name}/a.bin", newPath, CancellationToken.None));
            Assert.That(File.Exists(Path.Combine(Folder, torrent.Files[0].RelativePath)), Is.True);
            return;
        }

        await Client.RenameFileAsync(id, $"{torrent.Name}/a.bin", newPath, CancellationToken.None).DefaultTimeout();
        await Eventually.BecomesTrueAsync(
            async () => (await Client.GetFilesAsync(id, CancellationToken.None))[0].Path == newPath, Patience);
        await Eventually.BecomesTrueAsync(() => File.Exists(Path.Combine(Folder, newPath)), Patience);
        Assert.That(File.Exists(Path.Combine(Folder, torrent.Files[0].RelativePath)), Is.False);
        Assert.That(await File.ReadAllBytesAsync(Path.Combine(Folder, newPath)), Is.EqualTo(torrent.ReadFile(0)));
        await RecheckAsync(id, IsStoppedAndComplete);
    }

    [Test]
    public async Task Pieces_OfAnotherCount_AreABrokenAnswer()
    {
        var torrent = Several();
        var id = await AddAsync(torrent);
        Assert.ThrowsAsync(
            Is.TypeOf<TorrentClientException>().With.Property(nameof(TorrentClientException.Fault)).EqualTo(ClientFault.BrokenAnswer),
            async () => await Client.GetPiecesAsync(id, torrent.Manifest.PieceCount + 1, CancellationToken.None));
    }
}
