using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

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

    [Test]
    [DestinationCase(111)]
    public async Task SmallFile_ThatAnotherTorrentIsToBring_AndNeverDoes_HoldsUpNobody()
    {
        await using var rig = new DestinationRig();
        var files = new SourceFile[] { new(1, new FileIdentity(4, 100, 100, 5), []) };
        await rig.OpenAsync(DestinationRig.MakeInit(MakeSmall("writer")) with { Files = files, FilesDigest = new byte[] { 1 } });
        var torrent = MakeSmall("waiter");
        var init = DestinationRig.MakeInit(torrent) with { Files = files, FilesDigest = new byte[] { 1 } };
        Assert.That(await rig.SyncAsync(torrent, init), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(torrent.FindDifference(rig.Disk.Data), Is.Null);
    }

    [TestCase(true)]
    [TestCase(false)]
    [DestinationCase(33)]
    public async Task SmallFile_ThatIsThereAlready_WithNeighboursThatAreNot_IsTakenOrInTheWay(bool isRight)
    {
        await using var rig = new DestinationRig();
        rig.Logs.Expect(static entry => entry.Id.Name is "FileChanged" or "PublishRefused");
        var torrent = MakeSmall("small");
        rig.Disk.Files["small/b"] = isRight ? torrent.ReadFile(1) : new byte[100];
        var init = DestinationRig.MakeInit(torrent);
        var open = await rig.OpenAsync(init);
        await rig.DriveAsync(() =>
        {
            // The piece that shows that the file is another one is to be sent once more.
            for (var piece = 0; piece < torrent.Manifest.PieceCount; piece++)
            {
                rig.Send(torrent, piece, open.Epoch);
            }

            return rig.Storage.HeldPieces == torrent.Manifest.PieceCount;
        });
        if (!isRight)
        {
            var waits = await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, torrent), atMost: 10);
            Assert.That((waits as FinalizeOutcome.Running)?.Progress.Waiting, Is.EqualTo(RefusalReason.PathConflict));
            rig.Disk.Files.Remove("small/b");
        }

        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(torrent.FindDifference(rig.Disk.Data), Is.Null);
    }

    private static BuiltTorrent MakeSmall(string name) =>
        new TorrentBuilder(name) { PieceLength = 32768, Seed = 7 }.AddFile("a", 40_000).AddFile("b", 100).AddFile("c", 40_000).Build();

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
