using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.ClientTests;

/// <summary>The verbs that a handover is made of, on a real client.</summary>
[Category("Real")]
internal sealed class HandoffTests
{
    [TestCase(false)]
    [TestCase(true, Category = "Long")]
    [DestinationCase(131)]
    public async Task Handoff_StoppedBeforeActiveAfter_WithdrawnStoppedAgain_ConfirmedTagged(bool isMeasured)
    {
        await using var tracker = new LocalTracker();
        await using var lab = await DestinationLab.StartAsync();
        var torrent = new TorrentBuilder("handed.bin") { Length = 2_000_000, Seed = 71, Tracker = tracker.Url }.Build();
        var init = DestinationLab.MakeInit(torrent);
        var before = await lab.CompleteAsync(torrent, init);
        Assert.That(before.State, Is.EqualTo(ClientTorrentState.StoppedUp));
        Assert.That(tracker.Announces, Is.Empty);

        // Finalized and started again: complete, and not a byte asked for.
        var sent = lab.Sent[torrent.Id];
        await lab.RestartAsync();
        Assert.That(await lab.InitAsync(init), Is.InstanceOf<InitOutcome.Complete>());
        Assert.That(lab.Sent[torrent.Id], Is.EqualTo(sent));

        await StartAsync(lab, torrent, isMeasured);
        var withdrawn = await lab.UntilAsync<WithdrawOutcome>(
            async () => await lab.Engine.WithdrawAsync(DestinationLab.Caller, new WithdrawRequest(torrent.Id), CancellationToken.None),
            static outcome => outcome is not WithdrawOutcome.Running);
        Assert.That((withdrawn as WithdrawOutcome.Done)?.Seen?.State, Is.EqualTo(ClientTorrentState.StoppedUp), $"{withdrawn}");
        Assert.That((await lab.FindAsync(torrent))!.State, Is.EqualTo(ClientTorrentState.StoppedUp));

        await StartAsync(lab, torrent, isMeasured);
        await Eventually.BecomesTrueAsync(() => tracker.Announces.Count > 0, expression: "the client announces what it seeds");
        var proof = await lab.UntilAsync<ProveOutcome>(
            async () => await lab.Engine.ProveAsync(
                DestinationLab.Caller,
                new ProveRequest(torrent.Id, new byte[] { 1, 2, 3 }, Torrents.Selection.All(torrent.Manifest).Fingerprint(torrent.Id)),
                CancellationToken.None),
            static outcome => outcome is not ProveOutcome.Running);
        Assert.That(proof, Is.InstanceOf<ProveOutcome.Proven>());
        var confirmed = await lab.Engine.ConfirmHandoffAsync(
            DestinationLab.Caller, new ConfirmHandoffRequest(torrent.Id, "source-removed", ((ProveOutcome.Proven)proof).Proof.ProofId), CancellationToken.None);
        Assert.That(confirmed, Is.InstanceOf<ConfirmOutcome.Done>());
        var after = await lab.BecomesAsync(torrent, static status => status.Tags.Contains("source-removed"), "the tag of a finished handover");
        Assert.That(after.Tags, Does.Contain("synced"));
        Assert.That(after.State.IsActive(), Is.True, after.RawState);
    }

    private static async Task StartAsync(DestinationLab lab, BuiltTorrent torrent, bool isMeasured)
    {
        var began = TimeProvider.System.GetTimestamp();
        var started = await lab.UntilAsync<StartOutcome>(
            async () => await lab.Engine.StartAsync(DestinationLab.Caller, new StartRequest(torrent.Id, StartCause.Handoff, new TorrentParameters()), CancellationToken.None),
            static outcome => outcome is not StartOutcome.Running);
        Assert.That(started, Is.InstanceOf<StartOutcome.Started>(), $"{started}");
        if (isMeasured)
        {
            Assert.That(TimeProvider.System.GetElapsedTime(began), Is.LessThan(TimeSpan.FromSeconds(30)));
        }

        Assert.That((await lab.FindAsync(torrent))!.State.IsActive(), Is.True);
    }
}
