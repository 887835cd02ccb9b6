using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.ProcessTests.Packaging;

/// <summary>The samples as programs, by constructors and from a container.</summary>
[Parallelizable(ParallelScope.All)]
[HostCase(49)]
internal sealed class SamplesTests
{
    [TestCase]
    [TestCase("--container")]
    public async Task OnlyStorage_KilledInTheMiddle_GoesOnWhereItWasAndFinishes(params string[] more)
    {
        using var folder = new TempDirectory();
        var torrent = new TorrentBuilder("films") { PieceLength = 16 << 10, Seed = 49 }.AddFile("one.mkv", 200_000).AddFile("two/empty", 0).AddFile("two/b.srt", 70_001).Build();
        var content = folder.CreateFolder("content");
        torrent.WriteContent(content);
        string[] arguments = [Tool.Sample("OnlyStorage"), torrent.WriteTorrent(folder.CreateFolder("torrents")), content, folder["copy"], .. more];

        var killed = await Tool.RunAsync(folder.Path, "dotnet", [.. arguments, "--crash-after", "7"]);
        Assert.That(killed.Code, Is.Not.Zero);
        Assert.That(killed.Output, Does.Contain($"films: 0 of {torrent.Manifest.PieceCount} pieces are here."), killed.Errors);
        Assert.That(File.Exists(folder["copy", "data", "films", "one.mkv"]), Is.False, "not whole yet");

        var output = await Tool.SucceedAsync(folder.Path, "dotnet", arguments);
        Assert.That(output, Does.Contain($"films: 7 of {torrent.Manifest.PieceCount} pieces are here.").And.Contain("3 files have their names, 0 are not whole."));
        Assert.That(torrent.FindDifference(folder["copy", "data"]), Is.Null);
    }

    [TestCase]
    [TestCase("--container")]
    public async Task BothEnds_InOneProcess_BringEverythingOver(params string[] more)
    {
        using var folder = new TempDirectory();
        var torrents = new[]
        {
            new TorrentBuilder("one.iso") { PieceLength = 16 << 10, Length = 500_003, Seed = 50 }.Build(),
            new TorrentBuilder("many") { PieceLength = 32 << 10, Seed = 51, Version = TorrentVersion.Hybrid }.AddFile("a", 100_000).AddFile("b/c", 33_333).Build(),
        };
        foreach (var torrent in torrents)
        {
            torrent.WriteContent(folder.CreateFolder("source", "data"));
            torrent.WriteTorrent(folder.CreateFolder("source", "torrents"));
        }

        var output = await Tool.SucceedAsync(folder.Path, "dotnet", [Tool.Sample("BothEnds"), folder["source"], folder["destination"], .. more]);
        Assert.That(output.Split('\n').Count(line => line.StartsWith("Synced ", StringComparison.Ordinal)), Is.EqualTo(2), output);
        Assert.That(torrents.Select(torrent => torrent.FindDifference(folder["destination", "data"])), Is.All.Null);
    }

    [Test]
    public async Task OnlyStorage_WithoutATorrent_SaysHowItIsUsed()
    {
        using var folder = new TempDirectory();
        var result = await Tool.RunAsync(folder.Path, "dotnet", Tool.Sample("OnlyStorage"));
        Assert.That((result.Code, result.Errors.Trim()), Is.EqualTo((2, "Usage: OnlyStorage TORRENT CONTENT FOLDER [--crash-after N] [--container]")));
    }
}
