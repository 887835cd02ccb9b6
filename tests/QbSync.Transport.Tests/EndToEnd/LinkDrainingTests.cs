using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Tests.Client;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>Streams and connections that end without being cut: what is on its way is awaited, nothing is sent twice.</summary>
internal sealed class LinkDrainingTests
{
    private LinkRig _rig = null!;
    private ManualResetEventSlim _release = null!;
    private TestIntake _intake = null!;

    [SetUp]
    public void Begin()
    {
        _rig = new LinkRig();
        _release = new ManualResetEventSlim();
        _intake = new TestIntake(1000) { OnWhole = _ => _release.Wait(TimeSpan.FromMinutes(5)) ? PieceAckStatus.Accepted : PieceAckStatus.Busy };
    }

    [TearDown]
    public async Task EndAsync()
    {
        _release.Set();
        await _rig.DisposeAsync();
        _release.Dispose();
    }

    [Test]
    [TransportCase(29)]
    public async Task Drain_ThreeInFlight_AreAnsweredAndNoneIsSentAgain()
    {
        _rig.Open((await _rig.StartAsync(_intake)).Port);
        await Eventually.BecomesTrueAsync(() => _rig.Link.OpenStreams == 2);
        await _rig.SendAsync(Enumerable.Range(0, 3).Select(index => new TestSource(index, 1000))).DefaultTimeout();

        _rig.Link.OnPeerStopping();
        await Eventually.BecomesTrueAsync(async () => await _rig.SumAsync("qbsync_inflight_pieces") == 3
            && await _rig.SumAsync("qbsync_receive_acks_exit_total") + await _rig.SumAsync("qbsync_stream_pool_size") <= 2);
        Assert.That(_rig.Sink.Acks, Is.Empty);
        _release.Set();

        // One may have been replaced while the other is not drained yet.
        await Eventually.BecomesTrueAsync(async () =>
            _rig.Sink.Acks.Count == 3 && await _rig.SumAsync("qbsync_receive_acks_exit_total{reason=\"eof\"}") == 2 && _rig.Link.OpenStreams == 2);

        Assert.That(_rig.Sink.Held.Order(), Is.EqualTo(new[] { 0, 1, 2 }));
        Assert.That((_rig.Sink.Losses.Count, _intake.Begun.Count), Is.EqualTo((0, 3)));
        Assert.That(await _rig.SumAsync("qbsync_receive_acks_exit_total"), Is.EqualTo(2));
        Assert.That(await _rig.SumAsync("qbsync_stream_reconnects_total"), Is.EqualTo(2));
        Assert.That(await _rig.SumAsync("qbsync_stream_pool_size"), Is.EqualTo(2));
        Assert.That(await _rig.SumAsync("qbsync_inflight_pieces"), Is.Zero);
    }

    [TestCase(true)]
    [TestCase(false)]
    [TransportCase(38)]
    public async Task Server_Stops_WhatIsOnItsWayIsAnsweredAndNothingIsLost(bool isWatched)
    {
        var server = await _rig.StartAsync(_intake);
        _rig.Open(server.Port);
        await Eventually.BecomesTrueAsync(() => _rig.Link.OpenStreams == 2);
        using var watching = new CancellationTokenSource();
        var watch = isWatched ? Task.Run(() => WatchAsync(watching.Token)) : Task.FromResult(true);
        await Eventually.BecomesTrueAsync(() => server.Destination.Watchers == (isWatched ? 1 : 0));
        await _rig.SendAsync(Enumerable.Range(0, 3).Select(index => new TestSource(index, 1000))).DefaultTimeout();

        var stopping = server.StopAsync();
        await Eventually.BecomesTrueAsync(() => _rig.Link.OpenStreams == 0);
        Assert.That((_rig.Sink.Acks.Count, _rig.Sink.Losses.Count), Is.EqualTo((0, 0)), "it is waited for");
        _release.Set();
        await Eventually.BecomesTrueAsync(() => _rig.Sink.Acks.Count == 3);
        await stopping.DefaultTimeout();

        Assert.That(await watch.DefaultTimeout(), Is.True, "the watcher was told");
        Assert.That((_rig.Sink.Losses.Count, _intake.Begun.Count), Is.EqualTo((0, 3)));

        // The server has gone; that its streams have ended is heard here a moment later.
        await Eventually.BecomesTrueAsync(async () => await _rig.SumAsync("qbsync_receive_acks_exit_total{reason=\"eof\"}") == 2);
    }

    [Test]
    [TransportCase(39)]
    public async Task Dispose_AnswersOnTheirWayAndCallersTokenCancelled_AreCounted()
    {
        _rig.Open((await _rig.StartAsync(_intake)).Port);
        using var calling = new CancellationTokenSource();
        Assert.That(await _rig.Link.SendAsync(new TestSource(1, 1000), calling.Token).DefaultTimeout(), Is.EqualTo(SendOutcome.Sent));
        await calling.CancelAsync();

        var closing = _rig.CloseAsync(_rig.Link);
        await Eventually.BecomesTrueAsync(() => _rig.Link.OpenStreams == 0);
        _release.Set();
        await closing;

        Assert.That((_rig.Sink.Held.Single(), _rig.Sink.Losses.Count), Is.EqualTo((1, 0)));
        Assert.That(await _rig.SumAsync("qbsync_pieces_acked_total"), Is.EqualTo(1));
        Assert.That(await _rig.SumAsync("qbsync_drain_timeout_pieces_lost_total"), Is.Zero);
    }

    private async Task<bool> WatchAsync(CancellationToken cancellationToken)
    {
        await foreach (var update in _rig.Destination.WatchAsync(LinkRig.Caller, cancellationToken))
        {
            if (update is DestinationUpdate.Stopping)
            {
                return true;
            }
        }

        return false;
    }
}
