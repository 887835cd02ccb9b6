using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Engine.Tests.Source.World;
using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Metrics;

/// <summary>What both roles count of the same torrents.</summary>
[TestFixture]
internal sealed class BothRolesTests
{
    private const string Errors = "qbsync_finalization_errors_total";

    [Test]
    [MetricCase("C03"), MetricCase("L5")]
    public async Task Add_ThatTheClientRefuses_IsAFailureOnEachSide_AClientThatIsAwayForTenMinutesIsNone()
    {
        await using var both = new TwoEngines();
        var refused = both.Here.Client.Add(SourceWorld.Torrent("refused", seed: 1));
        both.There.Client.RefusesAdds = true;
        both.Here.Start();
        await both.Here.PassUntilAsync(() => both.Read(Errors) == (1, 1));

        // Each strike is a try of its own, and the third is the last until its user takes the tag away.
        await both.Here.PassUntilAsync(() => refused.Tags.Contains("sync-failed"));
        Assert.That(both.Read(Errors), Is.EqualTo((3.0, 3.0)));
        Assert.That(both.There.Metric("qbsync_finalization_duration_seconds_count", ("result", "failure")), Is.EqualTo(3));
        both.There.Client.RefusesAdds = false;
        await both.Here.PassAsync(TimeSpan.FromMinutes(10));
        Assert.That(both.Read(Errors), Is.EqualTo((3.0, 3.0)), "it rests");
        both.Here.Client.Change(refused.Tags.Clear);
        await both.Here.PassUntilAsync(() => both.Here.IsSynced(refused));

        // What is mended between two tries is seen by the next one.
        both.There.Client.RefusesAdds = true;
        var mended = both.Here.Client.Add(SourceWorld.Torrent("mended", seed: 3));
        await both.Here.PassUntilAsync(() => both.Read(Errors) == (4, 4));
        both.There.Client.RefusesAdds = false;
        await both.Here.PassUntilAsync(() => both.Here.IsSynced(mended));
        Assert.That(mended.Tags, Has.None.EqualTo("sync-failed"));
        var before = both.Read(Errors);
        Assert.That(before, Is.EqualTo((4.0, 4.0)));
        Assert.That(both.There.Metric("qbsync_finalization_duration_seconds_count", ("result", "failure")), Is.EqualTo(4));

        both.There.Client.DiesAt = "Add";
        var waits = both.Here.Client.Add(SourceWorld.Torrent("waits", seed: 2));
        await both.Here.PassUntilAsync(() => both.Here.StateOf(waits.Torrent.Id) == "Finalizing" && both.There.Client.IsDown);
        await both.Here.PassAsync(TimeSpan.FromMinutes(10));
        Assert.That(both.Here.StateOf(waits.Torrent.Id), Is.EqualTo("Finalizing"));
        Assert.That(both.Read(Errors), Is.EqualTo(before), "an outage is no failure");

        both.There.Client.IsDown = false;
        await both.Here.PassUntilAsync(() => both.Here.IsSynced(waits));
        Assert.That(both.Read(Errors), Is.EqualTo(before));
        Assert.That(both.Read("qbsync_sync_outcomes_total", ("result", "success")), Is.EqualTo((3.0, 3.0)));
    }

    [Test]
    [MetricCase("G13")]
    public async Task Streamed_FallsByWhatARecoveryClearsThere_AndEndsWhole()
    {
        const string Streamed = "qbsync_torrent_pieces_streamed";
        await using var both = new TwoEngines();
        both.There.Logs.Expect(DestinationRig.ReadBackFailed);
        var film = SourceWorld.Torrent("film");
        var torrent = both.Here.Client.Add(film, complete: false);
        for (var piece = 0; piece < 7; piece++)
        {
            torrent.Has.Set(piece);
        }

        both.Here.Start();
        await both.Here.PassUntilAsync(() => Read(Streamed) == 7);
        both.There.Storage.Corrupt(1);
        both.There.Storage.Corrupt(3);

        // The fault is early finalization's, so that it is Finalize that reads.
        both.There.Disk.Fail(nameof(ITorrentStorage.VerifyFileAsync), StorageFault.Io);

        // What is cleared there cannot be read here for a while, so that it stays cleared for as long.
        var isUnreadable = true;
        both.Here.Client.OnRead = piece => Volatile.Read(ref isUnreadable) && piece is 1 or 3 ? PieceReadStatus.Failed : null;
        both.Here.Client.Change(() => torrent.Has.Set(7));
        await both.Here.PassUntilAsync(() => Recoveries() == 1 && Read(Streamed) == 6);
        await both.Here.PassAsync(TimeSpan.FromSeconds(10));
        Assert.That(Read(Streamed), Is.EqualTo(6), "two of eight are missing again");

        Volatile.Write(ref isUnreadable, false);
        await both.Here.PassUntilAsync(() => both.Here.IsSynced(torrent));
        Assert.That(Read(Streamed), Is.EqualTo(8));
        Assert.That(Read("qbsync_torrent_pieces"), Is.EqualTo(8));
        Assert.That(Recoveries(), Is.EqualTo(1));

        // Should the destination look early once more before it is asked to finalize, it clears the same two then.
        double Recoveries() => both.There.Metric("qbsync_verification_recoveries_total") + both.There.Metric("qbsync_early_finalize_verify_failures_total");

        double Read(string family) => both.Here.ReadMetricsAsync().GetAwaiter().GetResult().Sum(family);
    }

    [Test]
    [MetricCase("G01"), MetricCase("A18")]
    public async Task Three_OfWhichOneIsSynced_AreTwoActiveOnEachSide()
    {
        await using var both = new TwoEngines();
        var whole = both.Here.Client.Add(SourceWorld.Torrent("whole", seed: 1));
        ScriptedTorrent[] parts =
        [
            both.Here.Client.Add(SourceWorld.Torrent("part", seed: 2), complete: false),
            both.Here.Client.Add(SourceWorld.Torrent("other", seed: 3), complete: false),
        ];
        Array.ForEach(parts, static part => part.Has.Set(0));
        both.Here.Start();
        await both.Here.PassUntilAsync(() => both.Here.IsSynced(whole)
            && Array.TrueForAll(parts, part => both.Here.Progress(part.Torrent.Id)?.PiecesDone == 1));

        // A change is told within a second; what rests stays as it is told.
        for (var looks = 0; looks < 3; looks++)
        {
            await both.Here.PassAsync(TimeSpan.FromSeconds(5));
            Assert.That(both.Read("qbsync_active_torrents"), Is.EqualTo((2.0, 2.0)));
            Assert.That(both.Read("qbsync_torrents"), Is.EqualTo((3.0, 3.0)), "each is in one state");
            Assert.That(both.Read("qbsync_torrents", ("state", "synced")), Is.EqualTo((1.0, 0.0)));
            Assert.That(both.Read("qbsync_torrents", ("state", "complete")), Is.EqualTo((0.0, 1.0)));
            Assert.That(both.Read("qbsync_torrents", ("state", "streaming")), Is.EqualTo((2.0, 0.0)));
            Assert.That(both.Read("qbsync_torrents", ("state", "receiving")), Is.EqualTo((0.0, 2.0)));
        }

        both.Here.Client.Change(() => Array.ForEach(parts, static part => part.Has.SetAll()));
        await both.Here.PassUntilAsync(() => Array.TrueForAll(parts, both.Here.IsSynced));
        await both.Here.PassAsync(TimeSpan.FromSeconds(5));
        Assert.That(both.Read("qbsync_active_torrents"), Is.EqualTo((0.0, 0.0)));
        Assert.That(both.Read("qbsync_torrents", ("state", "synced")).Here + both.Read("qbsync_torrents", ("state", "complete")).There, Is.EqualTo(6));
    }
}
