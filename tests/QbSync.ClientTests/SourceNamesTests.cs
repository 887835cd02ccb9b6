using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.ClientTests;

/// <summary>A destination whose client cannot be told other names than those of the <c>.torrent</c>.</summary>
[Category("Long")]
internal sealed class SourceNamesTests
{
    [Test]
    [SourceCase(40)]
    public async Task Renamed_ToAClientThatCannotRename_ArrivesUnderItsOwnNames_WithOneWarning()
    {
        await using var lab = await EnginesLab.StartAsync(new EnginesLabOptions { WrapDestinationClient = WithoutRenames });
        var torrent = new TorrentBuilder("own names") { Seed = 641 }.AddFile("a.bin", 700_001).AddFile("sub/b.bin", 300_000).Build();
        await lab.SeedAsync(torrent, async id =>
        {
            await Person.PostAsync(lab.Source, "torrents/renameFile", ("hash", id.Value), ("oldPath", "own names/a.bin"), ("newPath", "own names/other.bin"));
            await Eventually.BecomesTrueAsync(async () => (await EnginesLab.ListNamesAsync(lab.SourceClient, id)).Contains("own names/other.bin"));
        });
        await lab.SyncedAsync(torrent);
        await lab.AssertSyncedAsync(torrent);
        Assert.That(lab.SourceLogs.Entries.Where(static entry => entry.Id.Name == "OwnNames"), Has.Exactly(1).Items);
    }

    [TestCase(false, false)]
    [TestCase(false, true)]
    [TestCase(true, false)]
    [TestCase(true, true)]
    [SourceCase(39)]
    public async Task Named_LikeWhatAClientHasNotFinished_IsSyncedUnderTheNamesThatClientsGive(bool isDownload, bool withEnding)
    {
        Func<string, Dictionary<string, string>> session = _ => new()
        {
            ["Session\\AddExtensionToIncompleteFiles"] = withEnding ? "true" : "false",
            ["Downloads\\UseIncompleteExtension"] = withEnding ? "true" : "false",
        };
        await using var lab = await EnginesLab.StartAsync(new EnginesLabOptions { SourceSession = session, DestinationSession = session });
        var torrent = new TorrentBuilder("marked") { Seed = 651, PieceLength = 64 * 1024 }.AddFile("carries it.bin.!qB", 700_001).AddFile("plain.bin", 300_000)
            .AddFile(".unwanted/inner.bin", 400_000).AddFile("sub/.unwanted/deep.bin.!qB", 300_000).Build();
        if (isDownload)
        {
            var id = await lab.DownloadAsync(torrent, 64 * 1024);
            await lab.Until(() => Task.FromResult(lab.Progress(torrent) is { PiecesDone: > 0 }), null, torrent, "pieces are there before the download ended");
            TestContext.Out.WriteLine($"at the source meanwhile: {string.Join(", ", await EnginesLab.ListNamesAsync(lab.SourceClient, id))}");
            await lab.HurryAsync(id);
        }
        else
        {
            await lab.SeedAsync(torrent);
        }

        await lab.SyncedAsync(torrent);
        var (here, there) = ((await lab.FindHereAsync(torrent))!, (await lab.FindThereAsync(torrent))!);
        var names = await EnginesLab.ListNamesAsync(lab.DestinationClient, there.Id);
        TestContext.Out.WriteLine($"at the source {string.Join(", ", await EnginesLab.ListNamesAsync(lab.SourceClient, here.Id))}; there {string.Join(", ", names)}");
        lab.AssertEnds(torrent, here, there);
        for (var i = 0; i < names.Length; i++)
        {
            Assert.That(await File.ReadAllBytesAsync(Path.Combine(lab.Destination.SavePath, names[i])), Is.EqualTo(torrent.ReadFile(i)), names[i]);
        }

        Assert.That((await lab.ScrapeSourceAsync()).Sum("qbsync_sync_failed_total"), Is.Zero);
        Assert.That(lab.DestinationLogs.Entries.Where(static entry => entry.ToString().Contains("does not rename", StringComparison.Ordinal)), Is.Empty);
    }

    private static ITorrentClient WithoutRenames(ITorrentClient client) => AnswersOf<ITorrentClient>.Change(
        client,
        nameof(ITorrentClient.DescribeAsync),
        static (ClientDescription told) => told with { Capabilities = told.Capabilities with { RenamesFiles = false } });
}
