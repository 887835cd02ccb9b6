using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Destination;

/// <summary>Pieces that local content was to bring, and does not.</summary>
public sealed class DestinationDeferredTests
{
    private const int Piece = 16 * 1024;
    private const int Bad = 3;

    private static BuiltTorrent Torrent { get; } = new TorrentBuilder("left over.bin") { PieceLength = Piece, Length = 8 * Piece, Seed = 3 }.Build();

    [Test]
    [DestinationCase(58)]
    public async Task DeferredPiece_ThatIsBad_IsToldOfWhileReceivingAndSent()
    {
        await using var rig = new DestinationRig();
        await LeavePartialAsync(rig);
        var told = new List<DestinationUpdate.HaveChanged>();
        using var stop = new CancellationTokenSource();
        var watching = WatchAsync(rig, told, stop.Token);
        var init = DestinationRig.MakeInit(Torrent);
        var settle = new TaskCompletionSource();
        rig.Store.SettleGate = settle.Task;
        var open = await rig.OpenAsync(init);
        Assert.That((open.Have.Count, open.Deferred.Count), Is.EqualTo((0, Torrent.Manifest.PieceCount)), "nothing is to be sent yet");
        settle.SetResult();
        await rig.DriveAsync(() => told.Exists(static change => change.Deferred.Count == 0));
        await stop.CancelAsync();
        await watching;
        Assert.That((told[^1].Epoch, told[^1].Have.Count, told[^1].Have[Bad]), Is.EqualTo((open.Epoch, Torrent.Manifest.PieceCount - 1, false)));
        Assert.That(rig.Send(Torrent, Bad, open.Epoch), Is.EqualTo(PieceAckStatus.Accepted));
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
    }

    [Test]
    [DestinationCase(58)]
    public async Task DeferredPiece_ThatIsBadWhileLinking_IsIncompleteAndThenFinishes()
    {
        await using var rig = new DestinationRig();
        await LeavePartialAsync(rig);
        var init = DestinationRig.MakeInit(Torrent);
        var open = await rig.OpenAsync(init);
        var outcome = await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent));
        Assert.That(outcome, Is.InstanceOf<FinalizeOutcome.Incomplete>());
        var incomplete = (FinalizeOutcome.Incomplete)outcome;
        Assert.That((incomplete.Epoch, incomplete.Have.Count, incomplete.Have[Bad]), Is.EqualTo((open.Epoch, Torrent.Manifest.PieceCount - 1, false)));
        Assert.That(rig.Send(Torrent, Bad, open.Epoch), Is.EqualTo(PieceAckStatus.Accepted));
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(Torrent.FindDifference(rig.Disk.Data), Is.Null);
    }

    /// <summary>Our own partial file of full length, whose state is lost, with one piece that went bad.</summary>
    private static async Task LeavePartialAsync(DestinationRig rig)
    {
        var open = await rig.OpenAsync(DestinationRig.MakeInit(Torrent));
        for (var piece = 0; piece < Torrent.Manifest.PieceCount - 1; piece++)
        {
            rig.Send(Torrent, piece, open.Epoch);
        }

        await rig.StopAsync();
        Directory.Delete(Path.Combine(rig.Disk.State, "torrents", Torrent.Id.ToString()), recursive: true);
        var partial = Path.Combine(rig.Disk.Data, rig.Disk.Unfinished.Single());
        var bytes = Torrent.ReadFile(0);
        bytes[(Bad * Piece) + 5] ^= 1;
        await File.WriteAllBytesAsync(partial, bytes);
        rig.Start();
    }

    private static async Task WatchAsync(DestinationRig rig, List<DestinationUpdate.HaveChanged> told, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var update in rig.Engine.WatchAsync(DestinationRig.Source, cancellationToken))
            {
                if (update is DestinationUpdate.HaveChanged change)
                {
                    told.Add(change);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The end of the test.
        }
    }
}
