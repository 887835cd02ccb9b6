using QbSync.Ports;
using QbSync.Testing.Clients;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Storage.Tests.FolderClient;

/// <summary>Downloads that somebody else makes in the data folder, followed piece by piece.</summary>
public sealed class GrowingContentTests
{
    private const int PieceLength = 64 * 1024;
    private const int PieceCount = 32;

    private static BuiltTorrent Make() => new TorrentBuilder("film.mkv") { PieceLength = PieceLength, Length = PieceCount * PieceLength - 1000 }.Build();

    [TestCase("film.mkv")]
    [TestCase("film.mkv.!qB")]
    public async Task AFileThatGrows_YieldsItsPiecesAsTheyCome(string name)
    {
        await using var rig = new FolderRig();
        var torrent = Make();
        var content = torrent.ReadFile(0);
        torrent.WriteTorrent(rig.Torrents);
        Assert.That((await rig.PollOneAsync()).State, Is.EqualTo(ClientTorrentState.StalledDl));
        for (var length = 0; length < content.Length; length += 5 * PieceLength + 17)
        {
            Append(rig, name, content.AsSpan(0, length));
            var status = await rig.PollOneAsync();
            Assert.That(await rig.CountPiecesAsync(torrent), Is.EqualTo(length / PieceLength));
            Assert.That(status.State, Is.EqualTo(length == 0 ? ClientTorrentState.StalledDl : ClientTorrentState.Downloading));
            Assert.That(status.AmountLeft, Is.EqualTo(content.Length - length / PieceLength * PieceLength));
        }

        rig.Time.Advance(TimeSpan.FromSeconds(11));
        Assert.That((await rig.PollOneAsync()).State, Is.EqualTo(ClientTorrentState.StalledDl));
        Append(rig, name, content);
        File.Move(Path.Combine(rig.Data, name), Path.Combine(rig.Data, "film.mkv"), overwrite: true);
        Assert.That((await rig.PollOneAsync()).State, Is.EqualTo(ClientTorrentState.StalledUp));
    }

    [Test]
    public async Task PiecesWrittenInAnyOrder_IntoAFileOfFullLength_AreFound()
    {
        await using var rig = new FolderRig();
        var torrent = Make();
        var content = torrent.ReadFile(0);
        torrent.WriteTorrent(rig.Torrents);
        var path = Path.Combine(rig.Data, "film.mkv.!qB");
        using (var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write))
        {
            RandomAccess.SetLength(file, content.Length);
            Assert.That((await rig.SettleAsync()).Progress, Is.Zero);
            int[] order = [31, 7, 0, 20];
            for (var i = 0; i < order.Length; i++)
            {
                var start = order[i] * PieceLength;
                RandomAccess.Write(file, content.AsSpan(start, Math.Min(PieceLength, content.Length - start)), start);
                File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch.AddYears(40 + i)); // a test is faster than the clock of a file system
                await rig.PollOneAsync();
                await rig.PollOneAsync();
                Assert.That(await rig.CountPiecesAsync(torrent), Is.EqualTo(i + 1));
            }
        }
    }

    [Test]
    public async Task OnePoll_HashesNoMoreThanItsBudget()
    {
        await using var rig = new FolderRig(static options => options.CheckBytesPerPoll = 1 << 20);
        var torrent = Make();
        torrent.WriteContent(rig.Data);
        torrent.WriteTorrent(rig.Torrents);
        for (var pieces = 16; pieces < PieceCount; pieces += 16)
        {
            await rig.PollOneAsync();
            Assert.That(await rig.CountPiecesAsync(torrent), Is.EqualTo(pieces));
        }

        Assert.That((await rig.SettleAsync()).IsComplete, Is.True);
    }

    [Test]
    public async Task TheBudget_IsSharedByAllThatGrow()
    {
        await using var rig = new FolderRig(static options => options.CheckBytesPerPoll = 1 << 20);
        var torrents = Enumerable.Range(0, 4)
            .Select(static i => new TorrentBuilder($"f{i}") { PieceLength = PieceLength, Length = PieceCount * PieceLength, Seed = i }.Build()).ToList();
        foreach (var torrent in torrents)
        {
            torrent.WriteContent(rig.Data);
            torrent.WriteTorrent(rig.Torrents);
        }

        await rig.PollAsync();
        foreach (var torrent in torrents)
        {
            Assert.That(await rig.CountPiecesAsync(torrent), Is.EqualTo(4));
        }
    }

    [Test]
    public async Task AFileThatShrinksOrGoes_LosesItsPieces()
    {
        await using var rig = new FolderRig();
        var torrent = Make();
        var content = torrent.ReadFile(0);
        torrent.WriteTorrent(rig.Torrents);
        Append(rig, "film.mkv", content.AsSpan(0, 10 * PieceLength));
        await rig.SettleAsync();
        Assert.That(await rig.CountPiecesAsync(torrent), Is.EqualTo(10));
        Append(rig, "film.mkv", content.AsSpan(0, 3 * PieceLength));
        await rig.SettleAsync();
        Assert.That(await rig.CountPiecesAsync(torrent), Is.EqualTo(3));
        File.Delete(Path.Combine(rig.Data, "film.mkv"));
        await rig.PollAsync();
        Assert.That(await rig.CountPiecesAsync(torrent), Is.Zero);
    }

    [Test]
    public async Task Progress_SurvivesARestart_WithoutHashingAgain()
    {
        await using var rig = new FolderRig();
        var torrent = Make();
        var content = torrent.ReadFile(0);
        torrent.WriteTorrent(rig.Torrents);
        Append(rig, "film.mkv", content.AsSpan(0, 10 * PieceLength));
        await rig.SettleAsync();
        await rig.Client.StopAsync([FolderRig.GetId(torrent)], whileChecking: false, CancellationToken.None);
        await rig.RestartAsync();
        var status = await rig.PollOneAsync();
        Assert.That(status.State, Is.EqualTo(ClientTorrentState.StoppedDl));
        Assert.That(await rig.CountPiecesAsync(torrent), Is.EqualTo(10));
        Append(rig, "film.mkv", content.AsSpan(0, 20 * PieceLength));
        await rig.SettleAsync();
        Assert.That(await rig.CountPiecesAsync(torrent), Is.EqualTo(10), "a stopped torrent is not followed");
        await rig.Client.StartAsync([FolderRig.GetId(torrent)], force: true, CancellationToken.None);
        await rig.PollAsync();
        Assert.That(await rig.CountPiecesAsync(torrent), Is.EqualTo(20));
    }

    [Test]
    public async Task ABoundaryPiece_WaitsForItsNeighboursBytes_AndFindsThemInThePartFile()
    {
        await using var rig = new FolderRig();
        var torrent = new TorrentBuilder("t") { PieceLength = PieceLength }.AddFile("a.bin", 100_000).AddFile("b.bin", 300_000).Build();
        torrent.WriteTorrent(rig.Torrents);
        BuiltTorrent.WriteFile(rig.Data, torrent.Files[0]);
        await rig.PollAsync();
        await rig.Client.SelectAsync(FolderRig.GetId(torrent), [1], wanted: false, CancellationToken.None);
        var status = await rig.SettleAsync();
        Assert.That(status.AmountLeft, Is.EqualTo(100_000 - PieceLength));
        Assert.That(status.SelectedSize, Is.EqualTo(100_000));
        await File.WriteAllBytesAsync(Path.Combine(rig.Data, $".{torrent.Id}.parts"), PartFileContent.Of(torrent, [1]));
        status = await rig.PollOneAsync();
        Assert.That(status.IsComplete, Is.True);

        await rig.Client.SelectAsync(FolderRig.GetId(torrent), [1], wanted: true, CancellationToken.None);
        Assert.That((await rig.PollOneAsync()).Side, Is.EqualTo(TorrentSide.Downloading));
        BuiltTorrent.WriteFile(rig.Data, torrent.Files[1]);
        Assert.That((await rig.PollOneAsync()).IsComplete, Is.True);
    }

    [Test]
    public async Task ACheck_GoesOnByReads_ShowsItself_AndIsAbandonedByAStop()
    {
        await using var rig = new FolderRig(static options => options.CheckBytesPerPoll = 1 << 20);
        var torrent = Make();
        torrent.WriteContent(rig.Data);
        var id = FolderRig.GetId(torrent);
        await rig.Client.AddAsync(new AddTorrentRequest { Torrent = torrent.Bytes, SavePath = rig.Data }, CancellationToken.None);
        Assert.That((await rig.SettleAsync()).Progress, Is.Zero, "nothing is checked unasked");
        await rig.Client.RecheckAsync(id, CancellationToken.None);
        Assert.That((await GetAsync()).State, Is.EqualTo(ClientTorrentState.CheckingDl));
        var error = Assert.ThrowsAsync<TorrentClientException>(async () => await rig.Client.StopAsync([id], whileChecking: false, CancellationToken.None));
        Assert.That(error!.Fault, Is.EqualTo(ClientFault.Conflict));
        Assert.That((await GetAsync()).State, Is.EqualTo(ClientTorrentState.StoppedUp));

        await rig.Client.RecheckAsync(id, CancellationToken.None);
        Assert.That((await GetAsync()).State, Is.EqualTo(ClientTorrentState.CheckingUp));
        await rig.RestartAsync();
        Assert.That((await rig.PollOneAsync()).State, Is.EqualTo(ClientTorrentState.CheckingUp), "it begins anew after a restart");
        await rig.Client.StopAsync([id], whileChecking: true, CancellationToken.None);
        Assert.That((await GetAsync()).State, Is.EqualTo(ClientTorrentState.StoppedDl));
        Assert.That(await rig.CountPiecesAsync(torrent), Is.Zero);

        async Task<TorrentStatus> GetAsync() => (await rig.Client.GetAsync([id], CancellationToken.None))[0];
    }

    private static void Append(FolderRig rig, string name, ReadOnlySpan<byte> content)
    {
        using var file = File.OpenHandle(Path.Combine(rig.Data, name), FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        var length = RandomAccess.GetLength(file);
        if (content.Length < length)
        {
            RandomAccess.SetLength(file, content.Length);
        }
        else
        {
            RandomAccess.Write(file, content[(int)length..], length);
        }
    }
}
