using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Testing.Metrics;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source.Handoff;

/// <summary>A delete that is wanted and refused counts once under its reason, and the data stays.</summary>
[TestFixture]
internal sealed class DeletesBlockedTests
{
    [Test]
    [MetricCase("A15"), MetricCase("A10")]
    public async Task EachReason_CountsOnceAndNothingIsDeleted(
        [Values("no_proof", "proof_stale", "destination_unreachable", "destination_not_seeding", "announce_refused")] string reason)
    {
        await using var rig = new HandoffRig();
        Provoke(rig, reason);

        var end = await rig.RunToEndAsync(rig.Begin());

        Assert.That(end!.Result, Is.Not.EqualTo(HandoffResult.HandedOff));
        Assert.That(rig.Client.Deleted, Is.Empty);
        Assert.That(rig.IsActiveHere(rig.Torrent), Is.True);
        await AssertOnlyAsync(rig, reason, 1);
    }

    [Test]
    [MetricCase("A15")]
    public async Task SharedFiles_CountsOnceAndTheFilesStay()
    {
        await using var rig = new HandoffRig();
        rig.Shared.Add(rig.Torrent.Id);

        var end = await rig.RunToEndAsync(rig.Begin());

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.HandedOff));
        Assert.That(rig.Client.Deleted, Is.EqualTo([(rig.Torrent.Id, false)]));
        await AssertOnlyAsync(rig, "shared_files", 1);
    }

    [Test]
    [MetricCase("A15")]
    public async Task Group_OneIsNotProven_CountsEachOfThem()
    {
        await using var rig = new HandoffRig(torrents: 3);
        rig.Destination.OnProve = proof => proof.Id == rig.Torrents[1].Torrent.Id
            ? new ProveOutcome.Refused(new Refusal(RefusalReason.Incomplete)) : null;

        await rig.RunToEndAsync(rig.Begin());

        Assert.That(rig.Client.Deleted, Is.Empty);
        await AssertOnlyAsync(rig, "no_proof", 3);
    }

    [Test]
    [MetricCase("A15"), MetricCase("A11"), MetricCase("A12")]
    public async Task GoodRun_CountsNothing_AndTimesTheGap()
    {
        await using var rig = new HandoffRig();
        rig.Torrent.Trackers = []; // with them a stop would be given time to be heard

        await rig.RunToEndAsync(rig.Begin());

        await AssertOnlyAsync(rig, "", 0);
        var scrape = Exposition.Parse(await rig.ScrapeAsync());
        Assert.That(scrape.Sum("qbsync_handoff_seeding_gap_seconds_count"), Is.EqualTo(1));
        Assert.That(scrape.Sum("qbsync_client_state_violations_total"), Is.Zero);
    }

    [Test]
    [MetricCase("A19")]
    public async Task StartedHereInTheMiddle_IsAViolationOnce()
    {
        await using var rig = new HandoffRig { MayOverlap = true };
        var run = rig.Begin();
        await rig.PassUntilAsync(() => run.Run.Entry.Step == HandoffStep.Waiting);
        rig.Client.Change(() => rig.Torrent.IsStopped = false);

        await rig.RunToEndAsync(run);

        var scrape = Exposition.Parse(await rig.ScrapeAsync());
        Assert.That(scrape.Sum("qbsync_client_state_violations_total", ("kind", "active")), Is.EqualTo(1));
        Assert.That(scrape.Sum("qbsync_client_state_violations_total"), Is.EqualTo(1));
    }

    private static void Provoke(HandoffRig rig, string reason)
    {
        switch (reason)
        {
            case "no_proof":
                rig.Destination.OnProve = static _ => new ProveOutcome.Refused(new Refusal(RefusalReason.Incomplete));
                break;
            case "proof_stale":
                // So long under way that it is too old when it comes.
                rig.Destination.OnProve = proof => new ProveOutcome.Proven(proof with { From = proof.To.AddSeconds(1) });
                break;
            case "destination_unreachable":
                rig.OnCall = static (call, _) => call == "there.prove" ? throw new PeerException(PeerFault.Timeout, "no answer") : default;
                break;
            case "destination_not_seeding":
                rig.Destination.OnStart = static _ => new StartOutcome.Refused(new Refusal(RefusalReason.NotSeeding, "stalledDL"));
                break;
            case "announce_refused":
                rig.Destination.Find(rig.Torrent.Torrent.Id)!.Announce = AnnounceState.Rejected;
                break;
        }
    }

    private static async Task AssertOnlyAsync(HandoffRig rig, string reason, int count)
    {
        var scrape = Exposition.Parse(await rig.ScrapeAsync());
        Assert.That(scrape.Sum("qbsync_deletes_blocked_total", ("reason", reason)), Is.EqualTo(count));
        Assert.That(scrape.Sum("qbsync_deletes_blocked_total"), Is.EqualTo(count), "no other reason");
    }
}
