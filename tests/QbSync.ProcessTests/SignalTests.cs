using System.Diagnostics;
using QbSync.Testing.Machine;
using QbSync.Testing.Processes;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.ProcessTests;

/// <summary>Signals, to the processes that people run.</summary>
internal sealed class SignalTests
{
    /// <summary>It stands still where nothing but the third signal can end it: opening a file that nobody writes.</summary>
    [Test]
    [HostCase(13)]
    public async Task ThirdSigTerm_WhileItStandsStill_EndsItAtOnceWith143()
    {
        using var folder = new TempDirectory();
        using (var make = Process.Start("mkfifo", [folder["peers"]]))
        {
            await make.WaitForExitAsync().DefaultTimeout();
            Assert.That(make.ExitCode, Is.Zero);
        }

        await using var source = QbSyncProcess.Start(
        [
            "source", "--data", folder.CreateFolder("data"), "--client", "folder", "--state-dir", folder["state"], "--health-addr", "",
            "--destination-addr", "127.0.0.1:1", "--peers-file", folder["peers"],
        ]);
        await Eventually.BecomesTrueAsync(() => source.HasExited || File.Exists(folder["state", "lock"]));
        await source.SendTermAsync();
        await source.SendTermAsync();
        Assert.That(source.HasExited, Is.False, source.Output);
        await source.SendTermAsync();
        Assert.That(await source.WaitForExitAsync(), Is.EqualTo(143), source.Output);
    }

    /// <summary>Between two signals, a part of the content is over there: that part is not sent again.</summary>
    [Test]
    [HostCase(12)]
    public async Task SigTerm_InTheMiddleOfATransfer_EndsCleanlyAndTheNextRunSendsTheRest()
    {
        using var folder = new TempDirectory();
        await using var nodes = new TwoProcesses(folder["data"], folder["own"]);
        var port = FreePorts.Take();
        var torrent = new TorrentBuilder("slow.bin") { PieceLength = 16 * 1024, Length = 4 << 20, Seed = 1 }.Build();
        nodes.Add(torrent);
        nodes.StartDestination();
        nodes.StartSource(bytesPerSecond: 256 << 10, port);
        var acked = 0.0;
        await Eventually.BecomesTrueAsync(async () =>
            await Scrape.TryReadAsync(port) is { } scrape && (acked = scrape.Sum("qbsync_pieces_acked_total")) > 8);
        var first = nodes.Source!;
        Assert.That(await first.TerminateAsync(), Is.Zero, first.Output);
        Assert.That(first.Output, Does.Not.Contain("--help").And.Not.Contain(" error "));

        nodes.StartSource(healthPort: port);
        await nodes.WaitUntilAllAreSyncedAsync();
        var again = 0.0;
        await Eventually.BecomesTrueAsync(async () =>
            await Scrape.TryReadAsync(port) is { } scrape && (again = scrape.Sum("qbsync_pieces_acked_total")) > 0);
        Assert.That(again, Is.LessThanOrEqualTo(torrent.Manifest.PieceCount - acked), "what was acknowledged before is not sent again");
        nodes.AssertAllIsEqual();
        await nodes.StopSourceAsync();

        // Its streams are gone, and so is its work.
        Assert.That(await nodes.Destination!.TerminateAsync(), Is.Zero, nodes.Destination.Output);
    }

    [Test]
    [Category("Long")]
    [HostCase(13)]
    public async Task SecondSigTerm_InADrain_EndsTheSourceWithExitCode0()
    {
        using var folder = new TempDirectory();
        await using var nodes = new TwoProcesses(folder["data"], folder["own"]);
        var port = FreePorts.Take();
        nodes.Add(new TorrentBuilder("slow.bin") { PieceLength = 16 * 1024, Length = 8 << 20, Seed = 1 }.Build());
        nodes.StartDestination();
        nodes.StartSource(bytesPerSecond: 64 << 10, port, drain: "always");
        await Eventually.BecomesTrueAsync(async () => await Scrape.TryReadAsync(port) is { } scrape && scrape.Sum("qbsync_pieces_acked_total") > 0);

        nodes.Source!.SendTerm();
        await Eventually.BecomesTrueAsync(async () => await Scrape.TryReadAsync(port) is { } scrape && scrape.Sum("qbsync_draining") == 1);
        Assert.That(nodes.Source.HasExited, Is.False);
        nodes.Source.SendTerm();

        Assert.That(await nodes.Source.WaitForExitAsync(), Is.Zero, nodes.Source.Output);
        Assert.That(nodes.Source.Output, Does.Contain("The drain ended: 0 torrents were handed over, 1 are left here."));
        Assert.That(nodes.Source.Output, Does.Not.Contain(" error "));
    }
}
