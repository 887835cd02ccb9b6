using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Destination;

/// <summary>A dry run says what it would do and does nothing.</summary>
public sealed class DestinationDryRunTests
{
    private static BuiltTorrent Torrent => DestinationSyncTests.Single;

    [Test]
    [DestinationCase(25)]
    public async Task DryRun_OfEveryVerb_ChangesNothingAndARealRunWorks()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        rig.Send(Torrent, 0, (await rig.OpenAsync(init)).Epoch);
        await rig.StopAsync();
        var before = Picture(rig);
        rig.Options.DryRun = true;
        rig.Start();
        var plan = await rig.InitAsync(init);
        Assert.That((plan as InitOutcome.Refused)?.Refusal, Is.EqualTo(new Refusal(
            RefusalReason.DryRun, $"Dry run: 1 files, {Torrent.Manifest.Length} bytes would be received below /data.", NeededBytes: Torrent.Manifest.Length)));
        Assert.That(Reason(await rig.InitAsync(init with { Torrent = default })), Is.EqualTo(RefusalReason.TorrentFileNeeded));
        Assert.That(Reason(await rig.InitAsync(init with { Torrent = new byte[] { 1 } })), Is.EqualTo(RefusalReason.InvalidTorrent));
        Assert.That(Reason(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent))), Is.EqualTo(RefusalReason.DryRun));
        Assert.That(Reason(await rig.AbortAsync(Torrent.Id, AbortCause.Operator)), Is.EqualTo(RefusalReason.DryRun));
        Assert.That(Reason(await rig.StartSeedingAsync(init)), Is.EqualTo(RefusalReason.DryRun));
        Assert.That(Reason(await rig.WithdrawAsync(Torrent.Id)), Is.EqualTo(RefusalReason.DryRun));
        Assert.That(Reason(await rig.ConfirmAsync(Torrent.Id)), Is.EqualTo(RefusalReason.DryRun));
        Assert.That(rig.Send(Torrent, 0, 1), Is.EqualTo(PieceAckStatus.Busy));
        await rig.StopAsync();
        Assert.That(Picture(rig), Is.EqualTo(before));
        Assert.That((rig.Client.Adds, rig.Client.Stops, rig.Client.Starts), Is.EqualTo((0, 0, 0)));
        rig.Options.DryRun = false;
        rig.Start();
        Assert.That(await rig.SyncAsync(Torrent, init), Is.InstanceOf<FinalizeOutcome.Complete>());
    }

    private static RefusalReason? Reason(object outcome) => (outcome.GetType().GetProperty("Refusal")?.GetValue(outcome) as Refusal)?.Reason;

    /// <summary>Every file below root and state, with size and time of change.</summary>
    private static string[] Picture(DestinationRig rig) =>
    [
        .. new[] { rig.Disk.Data, rig.Disk.State }
            .SelectMany(static folder => Directory.GetFiles(folder, "*", RigFiles.Everything))
            .Select(static path => $"{path} {new FileInfo(path).Length} {File.GetLastWriteTimeUtc(path).Ticks}")
            .Order(StringComparer.Ordinal),
    ];
}
