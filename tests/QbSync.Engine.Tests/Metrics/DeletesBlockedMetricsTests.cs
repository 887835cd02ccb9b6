using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Metrics;

/// <summary>Whole sources that are short of space and may not delete: each delete that is refused counts once in its pass, and the data stays.</summary>
[TestFixture]
internal sealed class DeletesBlockedMetricsTests
{
    private const string Blocked = "qbsync_deletes_blocked_total";

    [Test]
    [MetricCase("A15")]
    public async Task Pass_ThatIsRefused_CountsItsReasonOnceAndLeavesTheData(
        [Values("no_proof", "proof_stale", "destination_unreachable", "destination_not_seeding", "announce_refused")] string reason)
    {
        await using var rig = new CleanupWorld(options => options.Handoff.VerifyAnnounce = reason == "announce_refused");
        var film = rig.Add("film", 2048 * CleanupWorld.MiB);
        Provoke(rig, film, reason);
        rig.World.Start();

        // A pass begins minutes after the one before: between two steps of the clock there is one.
        await rig.World.PassUntilAsync(() => Read(rig) > 0);
        Assert.That((Read(rig, ("reason", reason)), Read(rig)), Is.EqualTo((1.0, 1.0)));

        await rig.World.PassUntilAsync(() => rig.IsActive(film) && rig.World.StateOf(film.Torrent.Id) == "Synced");
        Assert.That(rig.Client.Deleted, Is.Empty);
        Assert.That(rig.Disk.Exists("/data/film"), Is.True);

        // In another pass, half an hour later, it is refused again, and again that is one.
        await rig.World.PassUntilAsync(() => Read(rig) > 1, TimeSpan.FromSeconds(10));
        Assert.That((Read(rig, ("reason", reason)), Read(rig)), Is.EqualTo((2.0, 2.0)));
        Assert.That(rig.Client.Deleted, Is.Empty);
        Assert.That(rig.Disk.Exists("/data/film"), Is.True);
    }

    [Test]
    [MetricCase("A15")]
    public async Task FileOfAnother_CountsOnceAndStays()
    {
        await using var rig = new CleanupWorld();
        var film = rig.Add("film", 2048 * CleanupWorld.MiB);
        ScriptedTorrent? late = null;
        rig.World.Destination.After = call =>
        {
            if (call == "there.prove" && film.IsStopped)
            {
                late ??= rig.Add("film", held: false);
            }

            return default;
        };
        rig.World.Start();
        await rig.World.PassUntilAsync(() => Read(rig) > 0);

        Assert.That((Read(rig, ("reason", "shared_files")), Read(rig)), Is.EqualTo((1.0, 1.0)));
        await rig.World.PassUntilAsync(() => rig.Deleted.Count > 0);
        Assert.That(rig.Client.Deleted, Is.EqualTo(new[] { (film.Id, false) }));
        Assert.That(rig.Disk.Exists("/data/film"), Is.True);
        Assert.That(rig.Client.Has(late!), Is.True);
    }

    private static void Provoke(CleanupWorld rig, ScriptedTorrent film, string reason)
    {
        var there = rig.World.Destination;
        switch (reason)
        {
            case "no_proof":
                there.OnProve = static _ => new ProveOutcome.Refused(new Refusal(RefusalReason.Incomplete));
                break;
            case "proof_stale":
                // So long under way that it is too old when it comes.
                there.OnProve = static proof => new ProveOutcome.Proven(proof with { From = proof.To.AddSeconds(1) });
                break;
            case "destination_unreachable":
                there.Before = static call => call == "there.prove" ? throw new PeerException(PeerFault.Timeout, "no answer") : default;
                break;
            case "destination_not_seeding":
                there.OnStart = static _ => new StartOutcome.Refused(new Refusal(RefusalReason.NotSeeding, "stalledDL"));
                break;
            case "announce_refused":
                film.Trackers = ["http://tracker/announce"];
                there.Find(film.Torrent.Id)!.Announce = AnnounceState.Rejected;
                break;
        }
    }

    private static double Read(CleanupWorld rig, params (string Label, string Value)[] labels) =>
        rig.World.ReadMetricsAsync().GetAwaiter().GetResult().Sum(Blocked, labels);
}
