using Microsoft.Extensions.Logging;
using QbSync.Ports;
using QbSync.Storage.FolderClient;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.FolderClient;

public sealed class FolderTorrentClientTests
{
    private const int PieceLength = 16 * 1024;

    private static BuiltTorrent Several() => new TorrentBuilder("several") { PieceLength = PieceLength }
        .AddFile("a.bin", 50_000).AddFile("b/c.bin", 100_000).AddFile("empty", 0).Build();

    [Test]
    public async Task ADroppedTorrent_WithItsData_IsFoundAndSeeds()
    {
        await using var rig = new FolderRig();
        var torrent = Several();
        torrent.WriteContent(rig.Data);
        File.Delete(Path.Combine(rig.Data, "several", "empty"));
        await File.WriteAllBytesAsync(Path.Combine(rig.Torrents, "x.torrent"), torrent.Bytes);
        var status = await rig.PollOneAsync();
        Assert.That(status.State, Is.EqualTo(ClientTorrentState.StalledUp));
        Assert.That(status.IsComplete, Is.True);
        Assert.That(status.Name, Is.EqualTo("several"));
        Assert.That(status.SavePath, Is.EqualTo(rig.Data));
        Assert.That(status.ContentPath, Is.EqualTo(Path.Combine(rig.Data, "several")));
        Assert.That(status.CompletedBytes, Is.EqualTo(150_000));
        Assert.That(status.CompletedAt, Is.EqualTo(rig.Time.GetUtcNow()));
        Assert.That(await rig.PollOneAsync(), Is.SameAs(status));
    }

    [Test]
    public async Task Polls_SayWhatCameAndWent_WithoutAGap()
    {
        await using var rig = new FolderRig();
        var first = Several().WriteTorrent(rig.Torrents);
        var update = await rig.PollAsync();
        Assert.That(update.Kind, Is.EqualTo(ClientUpdateKind.Full));
        Assert.That(update.FreeBytes, Is.GreaterThan(0));
        File.Delete(first);
        update = await rig.PollAsync();
        Assert.That(update.Kind, Is.EqualTo(ClientUpdateKind.Delta));
        Assert.That(update.Torrents, Is.Empty);
        Assert.That(update.Removed, Is.EqualTo(new[] { FolderRig.GetId(Several()) }));
        Assert.That(Directory.GetFiles(rig.Torrents), Is.Empty);
        Assert.That((await rig.PollAsync()).Removed, Is.Empty);
    }

    [Test]
    public async Task ACancelledPoll_IsFollowedByAFullOne()
    {
        await using var rig = new FolderRig();
        Several().WriteTorrent(rig.Torrents);
        await rig.PollAsync();
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        Assert.That(async () => await rig.Client.PollAsync([], cancelled.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That((await rig.PollAsync()).Torrents, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task ARenamedTorrentFile_IsTheSameTorrent()
    {
        await using var rig = new FolderRig();
        var torrent = Several();
        var path = torrent.WriteTorrent(rig.Torrents);
        await rig.PollAsync();
        await rig.Client.AddTagsAsync([FolderRig.GetId(torrent)], ["kept"], CancellationToken.None);
        File.Move(path, Path.Combine(rig.Torrents, "other name.torrent"));
        var update = await rig.PollAsync();
        Assert.That(update.Removed, Is.Empty);
        Assert.That(update.Torrents[0].Tags, Does.Contain("kept"));
        Assert.That(await rig.Client.GetManifestAsync(FolderRig.GetId(torrent), CancellationToken.None), Is.EqualTo(torrent.Bytes));
    }

    [Test]
    public async Task AMalformedTorrent_IsWarnedOfOnce_AndTheOthersGoOn()
    {
        await using var rig = new FolderRig();
        Several().WriteTorrent(rig.Torrents);
        await File.WriteAllTextAsync(Path.Combine(rig.Torrents, "bad.torrent"), "d4:infod4:name");
        await File.WriteAllTextAsync(Path.Combine(rig.Torrents, "empty.torrent"), "");
        for (var i = 0; i < 5; i++)
        {
            Assert.That((await rig.PollAsync()).Torrents, Has.Count.EqualTo(1));
        }

        var warnings = rig.Logs.Entries.Where(static entry => entry.Level == LogLevel.Warning).ToList();
        Assert.That(warnings, Has.Count.EqualTo(2));
        Assert.That(warnings[0].Message, Does.Contain("bad.torrent"));
    }

    [Test]
    public async Task ATorrentFile_ThatIsStillBeingCopied_IsTakenWhenItIsWhole_WithoutAWarning()
    {
        await using var rig = new FolderRig();
        var torrent = Several();
        var path = Path.Combine(rig.Torrents, "x.torrent");
        foreach (var length in new[] { 10, 100, 200 })
        {
            await File.WriteAllBytesAsync(path, torrent.Bytes[..length]);
            Assert.That((await rig.PollAsync()).Torrents, Is.Empty);
        }

        await File.WriteAllBytesAsync(path, torrent.Bytes);
        Assert.That((await rig.PollAsync()).Torrents, Has.Count.EqualTo(1));
        Assert.That(rig.Logs.Entries.Where(static entry => entry.Level == LogLevel.Warning), Is.Empty);
    }

    [Test]
    public async Task ASecondCopy_IsWarnedOf_AndTakesThePlaceOfTheFirst()
    {
        await using var rig = new FolderRig();
        var torrent = Several();
        var first = Path.Combine(rig.Torrents, "a.torrent");
        await File.WriteAllBytesAsync(first, torrent.Bytes);
        await File.WriteAllBytesAsync(Path.Combine(rig.Torrents, "b.torrent"), torrent.Bytes);
        Assert.That((await rig.PollAsync()).Torrents, Has.Count.EqualTo(1));
        File.Delete(first);
        Assert.That((await rig.PollAsync()).Torrents, Has.Count.EqualTo(1));
        Assert.That(rig.Logs.Entries.Count(static entry => entry.Level == LogLevel.Warning), Is.EqualTo(1));
    }

    [Test]
    public async Task AFolderThatIsGone_IsUnreachable_AndNoTorrentIsSaidToBeRemoved()
    {
        await using var rig = new FolderRig();
        Several().WriteTorrent(rig.Torrents);
        await rig.PollAsync();
        Directory.Move(rig.Torrents, rig.Torrents + "-away");
        var error = Assert.ThrowsAsync<TorrentClientException>(async () => await rig.PollAsync());
        Assert.That(error!.Fault, Is.EqualTo(ClientFault.Unreachable));
        Assert.That(error.IsTransient, Is.True);
        Directory.Move(rig.Torrents + "-away", rig.Torrents);
        var update = await rig.PollAsync();
        Assert.That(update.Kind, Is.EqualTo(ClientUpdateKind.Full));
        Assert.That(update.Removed, Is.Empty);
        Assert.That(update.Torrents, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task WhatWasAskedFor_SurvivesARestart()
    {
        await using var rig = new FolderRig();
        var torrent = Several();
        torrent.WriteContent(rig.Data);
        torrent.WriteTorrent(rig.Torrents);
        await rig.PollAsync();
        var id = FolderRig.GetId(torrent);
        await rig.Client.EnsureCategoryAsync("films", CancellationToken.None);
        await rig.Client.SetCategoryAsync([id], "films", CancellationToken.None);
        await rig.Client.AddTagsAsync([id], ["one", "two"], CancellationToken.None);
        await rig.Client.SelectAsync(id, [2], wanted: false, CancellationToken.None);
        await rig.Client.RenameFileAsync(id, "several/a.bin", "several/z.bin", CancellationToken.None);
        await rig.Client.StopAsync([id], whileChecking: false, CancellationToken.None);
        var before = await rig.PollOneAsync();
        rig.Time.Advance(TimeSpan.FromHours(1));
        await rig.RestartAsync();
        var after = await rig.PollOneAsync();
        Assert.That(after with { Tags = before.Tags }, Is.EqualTo(before));
        Assert.That(after.Tags, Is.EquivalentTo(before.Tags));
        Assert.That(after.State, Is.EqualTo(ClientTorrentState.StoppedUp));
        var files = await rig.Client.GetFilesAsync(id, CancellationToken.None);
        Assert.That(files.Select(static file => file.Path), Is.EqualTo(new[] { "several/z.bin", "several/b/c.bin", "several/empty" }));
        Assert.That(files[2].Selected, Is.False);
        await rig.Client.SetCategoryAsync([id], "films", CancellationToken.None);
    }

    [Test]
    public async Task AFinishedTorrent_IsNotHashedAgain_UnlessRechecked()
    {
        await using var rig = new FolderRig();
        var torrent = Several();
        torrent.WriteContent(rig.Data);
        torrent.WriteTorrent(rig.Torrents);
        await rig.SettleAsync();
        var path = Path.Combine(rig.Data, "several", "a.bin");
        await File.WriteAllBytesAsync(path, new byte[50_000]);
        await rig.RestartAsync();
        Assert.That((await rig.SettleAsync()).State, Is.EqualTo(ClientTorrentState.StalledUp));
        await rig.Client.RecheckAsync(FolderRig.GetId(torrent), CancellationToken.None);
        var status = await rig.PollOneAsync();
        Assert.That(status.State, Is.EqualTo(ClientTorrentState.StalledDl).Or.EqualTo(ClientTorrentState.Downloading));
        Assert.That(await rig.CountPiecesAsync(torrent), Is.EqualTo(torrent.Manifest.PieceCount - 4));
    }

    [Test]
    public async Task ADamagedRecord_IsSetAside_AndItsTorrentIsStopped()
    {
        await using var rig = new FolderRig();
        var torrent = Several();
        torrent.WriteTorrent(rig.Torrents);
        await rig.PollAsync();
        var path = Path.Combine(rig.Torrents, $"{torrent.Id}.state.json");
        Assert.That(File.Exists(path), Is.True);
        await File.WriteAllTextAsync(path, "{ \"version\": 1, \"sav");
        await using var second = new FolderTorrentClient(rig.Options, rig.Logs, rig.Time);
        var update = await second.PollAsync([], CancellationToken.None).DefaultTimeout();
        Assert.That(update.Torrents[0].State, Is.EqualTo(ClientTorrentState.StoppedDl));
        Assert.That(File.Exists(path + ".bad"), Is.True);
    }

    [Test]
    public async Task FilesThatVanish_AreSeenByARecheck_AndByARestart()
    {
        await using var rig = new FolderRig();
        var torrent = Several();
        torrent.WriteContent(rig.Data);
        torrent.WriteTorrent(rig.Torrents);
        await rig.SettleAsync();
        File.Delete(Path.Combine(rig.Data, "several", "a.bin"));
        Assert.That((await rig.PollOneAsync()).State, Is.EqualTo(ClientTorrentState.StalledUp));
        await rig.Client.RecheckAsync(FolderRig.GetId(torrent), CancellationToken.None);
        Assert.That((await rig.PollOneAsync()).State, Is.EqualTo(ClientTorrentState.MissingFiles));

        BuiltTorrent.WriteFile(rig.Data, torrent.Files[0]);
        await rig.Client.RecheckAsync(FolderRig.GetId(torrent), CancellationToken.None);
        Assert.That((await rig.PollOneAsync()).State, Is.EqualTo(ClientTorrentState.StalledUp));
        Directory.Delete(Path.Combine(rig.Data, "several"), recursive: true);
        await rig.RestartAsync();
        Assert.That((await rig.PollOneAsync()).State, Is.EqualTo(ClientTorrentState.MissingFiles));
    }

    [Test]
    public async Task ARename_NeverReplaces_AndNeverLeaves()
    {
        await using var rig = new FolderRig();
        var torrent = Several();
        torrent.WriteContent(rig.Data);
        torrent.WriteTorrent(rig.Torrents);
        await rig.PollAsync();
        var id = FolderRig.GetId(torrent);
        await File.WriteAllTextAsync(Path.Combine(rig.Data, "foreign"), "mine");
        foreach (var (name, fault) in new[]
        {
            ("foreign", ClientFault.Conflict), ("../out", ClientFault.Rejected), ("several/b/c.bin", ClientFault.Rejected),
            ("several/b/c.bin/x", ClientFault.Rejected), ("/abs", ClientFault.Rejected), ("", ClientFault.Rejected),
        })
        {
            var error = Assert.ThrowsAsync<TorrentClientException>(
                async () => await rig.Client.RenameFileAsync(id, "several/a.bin", name, CancellationToken.None));
            Assert.That(error!.Fault, Is.EqualTo(fault), name);
        }

        Assert.That(await File.ReadAllTextAsync(Path.Combine(rig.Data, "foreign")), Is.EqualTo("mine"));
        Assert.That(torrent.FindDifference(rig.Data), Is.Null);
    }

    [Test]
    public async Task AHybridTorrent_IsFoundByEachOfItsHashes()
    {
        await using var rig = new FolderRig();
        var torrent = new TorrentBuilder("hybrid") { PieceLength = PieceLength, Version = TorrentVersion.Hybrid }.Build();
        torrent.WriteTorrent(rig.Torrents);
        var (v1, v2) = (torrent.Manifest.V1, torrent.Manifest.V2);
        foreach (var (first, second) in new[] { (v1, v2), (v1, default), (default, v2), (default, v2.Truncated) })
        {
            var status = await rig.Client.FindAsync(first, second, CancellationToken.None).DefaultTimeout();
            Assert.That(status?.Id, Is.EqualTo(FolderRig.GetId(torrent)));
        }

        Assert.That(await rig.Client.FindAsync(default, default, CancellationToken.None).DefaultTimeout(), Is.Null);
    }

    [Test]
    public async Task AddAsync_OfNoTorrent_IsRefused()
    {
        await using var rig = new FolderRig();
        var request = new AddTorrentRequest { Torrent = "d4:infodee"u8.ToArray(), SavePath = rig.Data };
        Assert.That(await rig.Client.AddAsync(request, CancellationToken.None), Is.EqualTo(AddTorrentOutcome.Refused));
        Assert.That(
            async () => await rig.Client.AddAsync(request with { SavePath = "relative" }, CancellationToken.None), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void Options_ThatAreWrong_AreAllNamedAtOnce()
    {
        var options = new FolderClientOptions { TorrentsDirectory = "t", CheckBytesPerPoll = 1, CheckTimePerPoll = TimeSpan.Zero, SaveInterval = TimeSpan.MinValue };
        Assert.That(options.Validate(), Has.Count.EqualTo(5));
    }
}
