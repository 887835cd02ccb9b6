using System.Text.Json;
using QbSync.Host.Commands.Check;
using QbSync.Storage.Inspection;
using QbSync.Testing.Processes;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Host.Tests.Commands;

/// <summary><c>qbsync check</c>, as a person meets it.</summary>
internal sealed class CheckTests
{
    [Test]
    [HostCase(38)]
    public async Task Check_OfATorrentInAFolder_NeedsNoConfigurationAndEndsWith4WhenItIsBad()
    {
        using var folder = new TempDirectory();
        var torrent = new TorrentBuilder("film") { PieceLength = 16384 }.AddFile("a.bin", 32768).AddFile("b.bin", 16384).Build();
        torrent.WriteContent(folder.Path);
        var file = torrent.WriteTorrent(folder["torrents"]);
        await File.WriteAllTextAsync(folder["film", "extra.nfo"], "x");
        File.Delete(folder["film", "b.bin"]);
        await using var check = QbSyncProcess.Start(["check", "--torrent", file, "--path", folder.Path, "--extra", "--json", "--rate-limit", "0"]);
        Assert.That(await check.WaitForExitAsync(), Is.EqualTo(4), check.Output);
        using var document = JsonDocument.Parse(check.Output);
        var found = document.RootElement.GetProperty("torrents")[0];
        Assert.That(found.GetProperty("result").GetString(), Is.EqualTo("bad"));
        Assert.That(
            found.GetProperty("files").EnumerateArray().Select(static one => (one.GetProperty("path").GetString(), one.GetProperty("mark").GetString())),
            Is.EqualTo(new[] { ("film/a.bin", "="), ("film/b.bin", "-"), ("film/extra.nfo", "+") }));
    }

    [TestCase("check", "--all", "--torrent", "x", "--path", "y")]
    [TestCase("check", "123")]
    [HostCase(38)]
    public async Task Check_AskedWrongly_EndsWith2AndSaysHow(params string[] arguments)
    {
        await using var check = QbSyncProcess.Start(arguments);
        Assert.That(await check.WaitForExitAsync(), Is.EqualTo(2), check.Output);
        Assert.That(check.Output, Does.Contain("--").Or.Contain("hash"));
    }

    [Test]
    [HostCase(38)]
    public void Report_OfEachMark_IsALineAndRangesAreShort() => Assert.That(
        CheckReport.ToLines(new CheckedTorrent("aa", "film\n", [
            new CheckedFile("good", FileMark.Good),
            new CheckedFile("bad", FileMark.Bad) { BadPieces = [3, 7, 8, 9] },
            new CheckedFile("long", FileMark.Bad),
            new CheckedFile("missing", FileMark.Missing),
            new CheckedFile("unreadable", FileMark.Unreadable) { Error = "errno 5: Input/output error" },
            new CheckedFile("extra", FileMark.Extra),
        ])),
        Is.EqualTo(new[]
        {
            "aa  film\\u000a", "  =  good", "  *  bad  pieces 3, 7-9", "  *  long  has another length", "  -  missing", "  !  unreadable  errno 5: Input/output error", "  +  extra",
        }));
}
