using QbSync.Host.Commands.Control;
using QbSync.Host.Reporting;
using QbSync.Testing.Specifications;
using Spectre.Console;

namespace QbSync.Host.Tests.Commands.Control;

internal sealed class StatusScreenTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static StatusDocument Status { get; } = new()
    {
        Version = "1.2.3",
        Mode = "source",
        Name = "box",
        State = "running",
        At = Now,
        Client = new ClientStatus(true, "qBittorrent 5.1.0", "2.11.4", "closed"),
        Peers = [new PeerStatus { Address = "nas:50051", Ok = true, Connections = [new ConnectionStatus()] }],
        Throughput = new ThroughputStatus { Now = 12 << 20 },
        Space = new SpaceStatus(80L << 30, 50L << 30, 0),
        SafeToDelete = new SafeToDelete(3L << 30, null),
        Waiting = [new WaitingStatus("download", 1, 12)],
        Totals = new TotalsStatus(4, 2, 1, 1, 200 << 20, 50 << 20, 13),
        Torrents =
        [
            new TorrentRow { Name = "A film \u001b[2J with \u202e marks", State = "streaming", Bytes = 100 << 20, BytesDone = 50 << 20, Rate = 12 << 20, EtaSeconds = 5, Since = Now },
            new TorrentRow { Name = new string('n', 80), State = "streaming", Bytes = 100 << 20, BytesDone = 0, WaitingFor = "download", Since = Now.AddHours(-1) },
            new TorrentRow { Name = "映画の名前がとても長いのでここでは収まりきらないはずです", State = "failed", Error = "[three] strikes", Since = Now },
            new TorrentRow { Name = "whole", State = "synced", Bytes = 1, BytesDone = 1, Finished = true, Since = Now },
        ],
        More = 7,
    };

    [Test]
    [HostCase(35)]
    public void Screen_SixtyColumns_IsAsAlways() => Assert.That(Draw(60, null, StatusOrder.Told), Is.EqualTo("""
        QbSync source box 1.2.3                              running
        12 MiB/s, 2 under way, 50 MiB of 200 MiB, 13 s left
        1 of 4 at the destination, 1 failed
        Client qBittorrent 5.1.0: answers
        Destination nas:50051: answers, 1 connections
        Space 80 GiB free, 50 GiB must stay; safe to delete 3 GiB
        Waiting: 1 for download

        A film ?[2J with ? marks                           streaming
        ━━━━━━━━━━━━━━━━━━━───────────────────   50 %  12 MiB/s  5 s
        nnnnnnnnnnnnnnnnnnnnnnnnnnnnn… streaming, waits for download
        ────────────────────────────────────────    0 %
        映画の名前がとても長いのでここでは収まりきらないはず… failed
        ────────────────────────────────────────  [three] strikes
        whole                                                 synced
        ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  100 %
        7 more
        """));

    [Test]
    [HostCase(35)]
    public void Screen_AnyWidth_HasNoLineThatIsLongerAndNothingThatATerminalObeys([Values(40, 60, 61, 80, 200)] int width)
    {
        var lines = Draw(width, null, StatusOrder.Told, "It does not answer: \u001b]0;x\u0007").Split('\n');
        Assert.Multiple(() =>
        {
            Assert.That(lines.Select(line => new Spectre.Console.Rendering.Segment(line).CellCount()), Has.All.LessThanOrEqualTo(width));
            Assert.That(lines.SelectMany(line => line).Where(char.IsControl), Is.Empty);
            Assert.That(string.Concat(lines), Does.Contain("Connection lost, last seen 03:04:05 UTC"));
        });
    }

    [Test]
    [HostCase(35)]
    public void Screen_LowTerminal_ShowsAsManyAsFitAndHowManyMore()
    {
        var lines = Draw(60, 12, StatusOrder.Told).Split('\n');
        Assert.That(lines, Has.Length.LessThan(12));
        Assert.That(lines[^1], Is.EqualTo("10 more"));
    }

    [TestCase(StatusOrder.Rate, "A film")]
    [TestCase(StatusOrder.Oldest, "nnn")]
    public void Screen_Sorted_BeginsWith(StatusOrder order, string name)
    {
        var lines = Draw(60, null, order).Split('\n');
        Assert.That(lines[Array.IndexOf(lines, "") + 1], Does.StartWith(name));
    }

    private static string Draw(int width, int? height, StatusOrder order, string? lost = null)
    {
        using var text = new StringWriter { NewLine = "\n" };
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = width;
        console.Profile.Capabilities.Unicode = true;
        console.Write(StatusScreen.Draw(Status, width, height, order, lost));
        return string.Join('\n', text.ToString().TrimEnd('\n').Split('\n').Select(line => line.TrimEnd()));
    }
}
