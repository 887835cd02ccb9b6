using Microsoft.Extensions.Logging;
using QbSync.Testing.Specifications;

namespace QbSync.IntegrationTests;

/// <summary>What people read of a torrent's life.</summary>
internal sealed class LogLinesTests
{
    private const int Pieces = 10_000;
    private const int PieceLength = 16 * 1024;
    private const int MostLines = 9;

    [Test]
    [HostCase(21)]
    public async Task Torrent_OfTenThousandPieces_LeavesFewLinesFromFoundToRemoved()
    {
        await using var nodes = new TwoNodes();
        var torrent = new TorrentBuilder("film.bin") { PieceLength = PieceLength, Length = Pieces * PieceLength, Seed = 1 }.Build();
        nodes.AddAtSource(torrent);
        await nodes.StartAsync(("drain", "always"), ("qb-poll-interval", "100ms"));
        await nodes.AllSyncedAsync(1);
        await nodes.SignalSourceAsync();
        await nodes.SourceEndedAsync();
        Assert.That(File.Exists(Path.Combine(nodes.SourceData, "film.bin")), Is.False, "handed over in the drain");

        // Both roles write to one log here; each has its own lines.
        var lines = nodes.Log.Entries
            .Where(entry => entry.Level == LogLevel.Information
                && (entry.Message.Contains("film.bin", StringComparison.Ordinal) || entry.Message.Contains(torrent.Id.ToString(), StringComparison.Ordinal)))
            .ToLookup(static entry => entry.Category.StartsWith("QbSync.Engine.Source", StringComparison.Ordinal));
        Assert.Multiple(() =>
        {
            Assert.That(lines[true].Count(), Is.InRange(1, MostLines), string.Join(Environment.NewLine, lines[true]));
            Assert.That(lines[false].Count(), Is.InRange(1, MostLines), string.Join(Environment.NewLine, lines[false]));
        });
    }
}
