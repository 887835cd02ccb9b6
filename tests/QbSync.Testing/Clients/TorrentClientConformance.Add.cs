using QbSync.Ports;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Testing.Clients;

public abstract partial class TorrentClientConformance
{
    [Test]
    public async Task Describe_SaysWhatItIs_AndWhereItSaves()
    {
        var description = await Client.DescribeAsync(refresh: true, CancellationToken.None).DefaultTimeout();
        Assert.That(description.Product, Is.Not.Empty);
        Assert.That(Path.IsPathFullyQualified(description.DefaultSavePath), Is.True);
        Assert.That(Client.Availability.Gate, Is.EqualTo(ClientGate.Closed));
    }

    [TestCase(TorrentVersion.V1)]
    [TestCase(TorrentVersion.Hybrid)]
    [TestCase(TorrentVersion.V2)]
    public async Task Add_Unchecked_IsStopped_AndFoundByItsHashes(TorrentVersion version)
    {
        if (!await HoldsAsync(version))
        {
            return;
        }

        var torrent = Several(version);
        Assert.That(await FindAsync(torrent), Is.Null);
        var id = await AddAsync(torrent);
        var status = await UntilAsync(id, static status => status.State == ClientTorrentState.StoppedDl);
        Assert.That(status.Progress, Is.Zero);

        // A client that lists pads counts them, too.
        Assert.That(status.AmountLeft, Is.EqualTo(Can.HoldsV2Torrents ? 110_000 : torrent.Manifest.Files.Sum(static file => file.Length)));
        Assert.That(status.SavePath.TrimEnd('/'), Is.EqualTo(Folder));
        Assert.That(status.AddedAt, Is.Not.Null);
    }

    [Test]
    public async Task Add_OfAPresentTorrent_ChangesNothing()
    {
        var torrent = Several();
        var id = await AddAsync(torrent, category: "first");
        await Client.AddAsync(
            new AddTorrentRequest { Torrent = torrent.Bytes, SavePath = DataFolder, Category = "second" }, CancellationToken.None).DefaultTimeout();
        var status = await GetAsync(id);
        Assert.That(status.Category, Is.EqualTo("first"));
        Assert.That(status.SavePath.TrimEnd('/'), Is.EqualTo(Folder));
    }

    [Test]
    public async Task Add_InSeedMode_IsCompleteAndStopped_WithEveryPiece()
    {
        var torrent = Several();
        torrent.WriteContent(Folder);
        var id = await AddAsync(torrent, skipCheck: true, "films", "one", "two");
        var status = await UntilAsync(id, static status => IsStoppedAndComplete(status) && status.Tags.SetEquals(["one", "two"]));
        Assert.That(status.IsComplete, Is.True);
        Assert.That(status.Category, Is.EqualTo("films"));
        var pieces = await Client.GetPiecesAsync(id, torrent.Manifest.PieceCount, CancellationToken.None).DefaultTimeout();
        Assert.That(pieces.IsFull, Is.True);
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Add_InSeedMode_WithAFileMissingOrShort_IsMissingFiles(bool isShort)
    {
        var torrent = Several();
        torrent.WriteContent(Folder);
        var path = Path.Combine(Folder, torrent.Files[1].RelativePath);
        if (isShort)
        {
            await File.WriteAllBytesAsync(path, torrent.ReadFile(1)[..^1]);
        }
        else
        {
            File.Delete(path);
        }

        var id = await AddAsync(torrent, skipCheck: true);
        await UntilAsync(id, static status => status.State == ClientTorrentState.MissingFiles);
        Assert.ThrowsAsync(
            Is.TypeOf<TorrentClientException>().With.Property(nameof(TorrentClientException.Fault)).EqualTo(ClientFault.Conflict),
            async () => await Client.StartAsync([id], force: false, CancellationToken.None));
    }

    [Test]
    public async Task Manifest_ComesBack_WithTheSameHashes()
    {
        var torrent = Several(TorrentVersion.Hybrid);
        var id = await AddAsync(torrent);
        if (!Can.ExportsManifests)
        {
            AssertUnsupported(async () => await Client.GetManifestAsync(id, CancellationToken.None));
            return;
        }

        var manifest = TorrentManifest.Parse(await Client.GetManifestAsync(id, CancellationToken.None).DefaultTimeout());
        Assert.That(manifest.V1, Is.EqualTo(torrent.Manifest.V1));
        Assert.That(manifest.V2, Is.EqualTo(torrent.Manifest.V2));
    }

    [Test]
    public async Task Poll_ShowsWhatWasAdded()
    {
        var torrent = Several();
        var before = await Client.PollAsync([], CancellationToken.None).DefaultTimeout();
        var id = await AddAsync(torrent);
        ClientUpdate? update = null;
        await Eventually.BecomesTrueAsync(
            async () => (update = await Client.PollAsync([id], CancellationToken.None)).Torrents.Any(status => status.Id == id), Patience);
        Assert.That(update!.Sequence, Is.GreaterThan(before.Sequence));
        Assert.That(update.Removed, Does.Not.Contain(id));
    }

    [Test]
    public async Task AnUnknownTorrent_IsNotFound()
    {
        var unknown = new ClientTorrentId(new string('0', 39) + "1");
        Assert.That(await Client.GetAsync([unknown], CancellationToken.None).DefaultTimeout(), Is.Empty);
        Assert.ThrowsAsync(
            Is.TypeOf<TorrentClientException>().With.Property(nameof(TorrentClientException.Fault)).EqualTo(ClientFault.NotFound),
            async () => await Client.GetFilesAsync(unknown, CancellationToken.None));
    }
}
