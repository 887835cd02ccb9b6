using QbSync.Testing.Machine;
using QbSync.Testing.Processes;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.ProcessTests;

/// <summary>Signals, to the processes that people run.</summary>
internal sealed class SignalTests
{
    [Test]
    [Category("Long")]
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
