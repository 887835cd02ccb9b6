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

    private static ITorrentClient WithoutRenames(ITorrentClient client) => AnswersOf<ITorrentClient>.Change(
        client,
        nameof(ITorrentClient.DescribeAsync),
        static (ClientDescription told) => told with { Capabilities = told.Capabilities with { RenamesFiles = false } });
}
