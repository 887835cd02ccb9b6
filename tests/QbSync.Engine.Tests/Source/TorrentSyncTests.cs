using Microsoft.Extensions.Logging.Abstractions;
using QbSync.Engine.Source;
using QbSync.Ports;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source;

[TestFixture]
internal sealed class TorrentSyncTests
{
    private static readonly Dictionary<TorrentSyncState, TorrentSyncState[]> Legal = new()
    {
        [TorrentSyncState.Discovered] =
            [TorrentSyncState.Initializing, TorrentSyncState.Finalizing, TorrentSyncState.Synced, TorrentSyncState.Failed, TorrentSyncState.Excluded, TorrentSyncState.Removing],
        [TorrentSyncState.Initializing] =
            [TorrentSyncState.Streaming, TorrentSyncState.Finalizing, TorrentSyncState.Synced, TorrentSyncState.Failed, TorrentSyncState.Excluded, TorrentSyncState.Removing],
        [TorrentSyncState.Streaming] =
            [TorrentSyncState.Initializing, TorrentSyncState.Finalizing, TorrentSyncState.Failed, TorrentSyncState.Excluded, TorrentSyncState.Removing],
        [TorrentSyncState.Finalizing] =
            [TorrentSyncState.Initializing, TorrentSyncState.Streaming, TorrentSyncState.Synced, TorrentSyncState.Failed, TorrentSyncState.Excluded, TorrentSyncState.Removing],
        [TorrentSyncState.Synced] = [TorrentSyncState.Discovered, TorrentSyncState.Initializing, TorrentSyncState.HandingOff, TorrentSyncState.Removing],
        [TorrentSyncState.Failed] = [TorrentSyncState.Discovered, TorrentSyncState.Excluded, TorrentSyncState.Removing],
        [TorrentSyncState.Excluded] = [TorrentSyncState.Discovered, TorrentSyncState.Removing],
        [TorrentSyncState.Removing] = [TorrentSyncState.Removed, TorrentSyncState.Discovered, TorrentSyncState.Synced],
        [TorrentSyncState.Removed] = [],
        [TorrentSyncState.HandingOff] = [TorrentSyncState.HandedOff, TorrentSyncState.Synced],
        [TorrentSyncState.HandedOff] = [TorrentSyncState.Discovered],
    };

    [Test]
    [SourceCase(1)]
    public void Transition_EveryPair_OnlyThoseOfTheTableSucceed()
    {
        foreach (var from in Enum.GetValues<TorrentSyncState>())
        {
            foreach (var to in Enum.GetValues<TorrentSyncState>())
            {
                using var log = new LogErrorGuard();
                log.Expect(4042);
                var sync = At(from, log);
                var run = sync.Run;

                var moved = sync.Transition(to, "a test");

                var isLegal = Legal[from].Contains(to);
                Assert.That(moved, Is.EqualTo(isLegal), $"{from} -> {to}");
                Assert.That(sync.State, Is.EqualTo(isLegal ? to : from));
                Assert.That(sync.Run, Is.EqualTo(isLegal ? run + 1 : run));
                Assert.That(log.Entries.Any(entry => entry.Id.Id == 4042), Is.EqualTo(!isLegal));
            }
        }
    }

    [Test]
    [SourceCase(1)]
    public void EndWork_OfAnOlderRun_IsIgnored()
    {
        var sync = At(TorrentSyncState.Discovered, NullLoggerFactory.Instance);
        var run = sync.BeginWork();
        sync.Transition(TorrentSyncState.Initializing, "a test");
        var next = sync.BeginWork();

        Assert.That(sync.EndWork(run), Is.False);
        Assert.That(sync.IsBusy, Is.True);
        Assert.That(sync.EndWork(next), Is.True);
    }

    [Test]
    public void Transition_EndsWhatTheRunBeganAndClearsItsHold()
    {
        var sync = At(TorrentSyncState.Discovered, NullLoggerFactory.Instance);
        var ends = sync.RunEnds.Token;
        sync.Hold = new Hold(Status.WaitingReason.Peer, FaultClass.TransientPeer, TimeSpan.MaxValue, "x", 1);

        sync.Transition(TorrentSyncState.Initializing, "a test");

        Assert.That(ends.IsCancellationRequested, Is.True);
        Assert.That(sync.Hold, Is.Null);
    }

    [TestCase(TorrentSyncState.Initializing)]
    [TestCase(TorrentSyncState.Streaming)]
    [TestCase(TorrentSyncState.Finalizing)]
    [TestCase(TorrentSyncState.Removed)]
    public void Begin_InAStateThatHasToBeReached_Throws(object state) =>
        Assert.That(() => New(NullLoggerFactory.Instance).Begin((TorrentSyncState)state, "a test"), Throws.InvalidOperationException);

    private static TorrentSync New(Microsoft.Extensions.Logging.ILoggerFactory log) =>
        new(InfoHash.Parse(new string('a', 40)), new ClientTorrentId("a"), "film", log.CreateLogger("test"));

    private static TorrentSync At(TorrentSyncState state, Microsoft.Extensions.Logging.ILoggerFactory log)
    {
        var sync = New(log);
        sync.Begin(state is TorrentSyncState.Failed or TorrentSyncState.Excluded or TorrentSyncState.Synced or TorrentSyncState.Removing
            or TorrentSyncState.HandingOff or TorrentSyncState.HandedOff
            ? state : state == TorrentSyncState.Removed ? TorrentSyncState.Removing : TorrentSyncState.Discovered, "a test");
        TorrentSyncState[] path = state switch
        {
            TorrentSyncState.Initializing => [TorrentSyncState.Initializing],
            TorrentSyncState.Streaming => [TorrentSyncState.Initializing, TorrentSyncState.Streaming],
            TorrentSyncState.Finalizing => [TorrentSyncState.Finalizing],
            TorrentSyncState.Removed => [TorrentSyncState.Removed],
            _ => [],
        };
        foreach (var step in path)
        {
            Assert.That(sync.Transition(step, "a test"), Is.True);
        }

        return sync;
    }
}
