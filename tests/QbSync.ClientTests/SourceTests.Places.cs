using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.ClientTests;

/// <summary>Where content lies and what its files are called.</summary>
internal sealed partial class SourceTests
{
    [Test]
    [SourceCase(38)]
    [Category("Long")]
    public async Task Moved_WhileItIsRead_ArrivesInOneFolderByFewLooks()
    {
        var moves = await Task.WhenAll(
            MoveAsync("set location", 531, "location 38", static _ => Task.CompletedTask, (id, target) =>
                Person.PostAsync(_lab.Source, "torrents/setLocation", ("hashes", id.Value), ("location", target))),
            MoveAsync("of a category", 532, "after 38", ManageAsync, async (id, target) =>
            {
                await Person.PostAsync(_lab.Source, "torrents/createCategory", ("category", "after 38"), ("savePath", target));
                await Person.PostAsync(_lab.Source, "torrents/setCategory", ("hashes", id.Value), ("category", "after 38"));
            }),
            MoveAsync("of the temporary folder", 533, "", static _ => Task.CompletedTask, static (_, _) => Task.CompletedTask));
        foreach (var (torrent, folder, took, looks) in moves)
        {
            TestContext.Out.WriteLine($"{torrent.Name}: {took.TotalSeconds:0.0} s, {looks} looks at its files");
            await _lab.AssertSyncedAsync(torrent, folder);
            Assert.That(Directory.EnumerateDirectories(_lab.Destination.SavePath, torrent.Name, SearchOption.AllDirectories), Has.Exactly(1).Items);
            Assert.That(looks, Is.LessThanOrEqualTo(5 + (int)(took / TimeSpan.FromSeconds(5))), "opening twice, finalizing twice, and one each five seconds");
            Assert.That(_lab.Progress(torrent)!.BytesMoved, Is.EqualTo(torrent.Manifest.ContentLength), "nothing was sent twice");
        }

        async Task ManageAsync(ClientTorrentId id)
        {
            await Person.PostAsync(_lab.Source, "torrents/createCategory", ("category", "before 38"), ("savePath", Path.Combine(_lab.Source.SavePath, "before 38")));
            await Person.PostAsync(_lab.Source, "torrents/setCategory", ("hashes", id.Value), ("category", "before 38"));
            await Person.PostAsync(_lab.Source, "torrents/setAutoManagement", ("hashes", id.Value), ("enable", "true"));
        }
    }

    private async Task<(BuiltTorrent Torrent, string Folder, TimeSpan Took, int Looks)> MoveAsync(
        string name, int seed, string folder, Func<ClientTorrentId, Task> beforeStart, Func<ClientTorrentId, string, Task> move)
    {
        var torrent = new TorrentBuilder($"moved by {name}") { Seed = seed, PieceLength = 64 * 1024 }.AddFile("a.bin", 4 * MiB + 1).AddFile("sub/b.bin", 3 * MiB).Build();

        // Where the client has a temporary folder of each torrent, the content itself moves only without one.
        (string, string)[] fields = folder.Length > 0 ? [("useDownloadPath", "false")] : [];
        var id = await _lab.DownloadAsync(torrent, Slow, beforeStart, fields);
        var began = TimeProvider.System.GetTimestamp();
        await _lab.Until(() => Task.FromResult(_lab.Progress(torrent) is { PiecesDone: > 3 }), null, torrent, "it is being read");
        await move(id, Path.Combine(_lab.Source.SavePath, folder));
        await _lab.Until(
            async () => (await _lab.FindHereAsync(torrent))!.SavePath.TrimEnd('/') == Path.Combine(_lab.Source.SavePath, folder).TrimEnd('/'), null, torrent, "the client has moved it");
        await _lab.HurryAsync(id);
        await _lab.SyncedAsync(torrent);

        var took = TimeProvider.System.GetElapsedTime(began);
        var looks = _lab.AtSource.Of(nameof(ITorrentClient.GetFilesAsync)).Count(call => call.Arguments[0] is ClientTorrentId asked && asked == id);
        return (torrent, folder, took, looks);
    }

    [Test]
    [SourceCase(40)]
    public async Task Names_ChangedByPeopleOrByTheLayout_AreTheSameOnBothSides()
    {
        var renames = (await _lab.SourceClient.DescribeAsync(refresh: false, CancellationToken.None)).Capabilities.RenamesFiles;
        var renamed = new TorrentBuilder("renamed 40") { Seed = 541 }.AddFile("a.bin", 700_001).AddFile("sub/b.bin", 300_000).AddFile("sub/c.bin", 5).Build();
        var bare = new TorrentBuilder("bare 40") { Seed = 542 }.AddFile("bare a 40.bin", 500_001).AddFile("bare sub/b.bin", 200_000).Build();
        var wrapped = new TorrentBuilder("wrapped 40.bin") { Seed = 543, Length = 600_011 }.Build();
        await _lab.SeedAsync(renamed, async id =>
        {
            if (renames)
            {
                await Person.PostAsync(_lab.Source, "torrents/renameFile", ("hash", id.Value), ("oldPath", "renamed 40/a.bin"), ("newPath", "renamed 40/ä new.bin"));
                await NamedAsync(id, "renamed 40/ä new.bin");
                await Person.PostAsync(_lab.Source, "torrents/renameFolder", ("hash", id.Value), ("oldPath", "renamed 40/sub"), ("newPath", "renamed 40/other sub"));
                await NamedAsync(id, "renamed 40/other sub/c.bin");
            }
        });

        // As the client makes them: from content that lies where it will look.
        BuiltFile[] inFolder = [.. bare.Files.Select(static file => file with { Path = [.. file.Path.Skip(1)] })];
        foreach (var file in inFolder)
        {
            BuiltTorrent.WriteFile(_lab.Source.SavePath, file);
        }

        await _lab.SeedAsync(bare, ("contentLayout", "NoSubfolder"), ("root_folder", "false"));
        var folderOf = Path.Combine(_lab.Source.SavePath, "wrapped 40");
        Directory.CreateDirectory(folderOf);
        BuiltTorrent.WriteFile(folderOf, wrapped.Files[0]);
        await _lab.SeedAsync(wrapped, ("contentLayout", "Subfolder"));
        foreach (var torrent in (BuiltTorrent[])[renamed, bare, wrapped])
        {
            await _lab.SyncedAsync(torrent);
            var (here, there) = ((await _lab.FindHereAsync(torrent))!, (await _lab.FindThereAsync(torrent))!);
            var names = await EnginesLab.ListNamesAsync(_lab.SourceClient, here.Id);
            Assert.That(await EnginesLab.ListNamesAsync(_lab.DestinationClient, there.Id), Is.EqualTo(names), torrent.Name);
            _lab.AssertEnds(torrent, here, there);
            for (var i = 0; i < names.Length; i++)
            {
                Assert.That(await File.ReadAllBytesAsync(Path.Combine(_lab.Destination.SavePath, names[i])), Is.EqualTo(torrent.ReadFile(i)), names[i]);
            }
        }

        Assert.That(File.Exists(Path.Combine(_lab.Destination.SavePath, "renamed 40", "ä new.bin")), Is.EqualTo(renames));
        Assert.That(File.Exists(Path.Combine(_lab.Destination.SavePath, "bare sub", "b.bin")), Is.True);

        Task NamedAsync(ClientTorrentId id, string name) => Eventually.BecomesTrueAsync(
            async () => (await EnginesLab.ListNamesAsync(_lab.SourceClient, id)).Contains(name), expression: $"the client shows {name}");
    }

    private static IEnumerable<TestCaseData> Kinds()
    {
        yield return Make(new TorrentBuilder("kind hybrid") { PieceLength = 16 * 1024, Seed = 551, Version = TorrentVersion.Hybrid });
        yield return Make(new TorrentBuilder("kind v2") { PieceLength = 16 * 1024, Seed = 552, Version = TorrentVersion.V2 });
        yield return Make(new TorrentBuilder("kind pads") { PieceLength = 16 * 1024, Seed = 553, WithPads = true });
        yield return Make(new TorrentBuilder("kind tail pad") { PieceLength = 16 * 1024, Seed = 554, WithPads = true, WithTailPad = true });

        static TestCaseData Make(TorrentBuilder builder) => new TestCaseData(
            builder.AddFile("a.bin", 100_001).AddFile("empty", 0).AddFile("sub/b.bin", 40_000).AddFile("sub/c.bin", 70_000).Build()).SetArgDisplayNames(builder.Name);
    }

    [SourceCase(41)]
    [SourceCase(42)]
    [TestCaseSource(nameof(Kinds))]
    public async Task Kinds_WithAndWithoutPadsAndHashes_AreEqualUnderOneIdentity(BuiltTorrent torrent)
    {
        var capabilities = (await _lab.SourceClient.DescribeAsync(refresh: false, CancellationToken.None)).Capabilities;
        if (torrent.Manifest.V2.Length > 0 && !(capabilities.HoldsV2Torrents && capabilities.ExportsManifests))
        {
            // Such a client refuses the one kind, and of the other keeps a .torrent without its piece layers.
            return;
        }

        await _lab.SeedAsync(torrent);
        await _lab.SyncedAsync(torrent);
        await _lab.AssertSyncedAsync(torrent);
        Assert.That(_lab.SourceEngine.Status.Torrents.Count(shown => shown.Name == torrent.Name && shown.Id == torrent.Id), Is.EqualTo(1));
        Assert.That(_lab.DestinationEngine.Status.Torrents.Count(shown => shown.Name == torrent.Name && shown.Id == torrent.Id), Is.EqualTo(1));
        Assert.That(Inits(torrent), Is.Not.Empty);
    }
}
