using Microsoft.Extensions.Logging;
using QbSync.Engine.Source;
using QbSync.Engine.Source.Peers;
using QbSync.Engine.Source.Planning;
using QbSync.Engine.Source.Records;
using QbSync.Engine.Source.Tracking;
using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.Planning;

[TestFixture]
internal sealed class PureRulesTests
{
    [Test]
    [SourceCase(11)]
    public void ClientClass_OfEveryState_IsAsSpecified()
    {
        Dictionary<ClientTorrentState, ClientClass> expected = new()
        {
            [ClientTorrentState.Downloading] = ClientClass.Downloading,
            [ClientTorrentState.StalledDl] = ClientClass.Downloading,
            [ClientTorrentState.QueuedDl] = ClientClass.Downloading,
            [ClientTorrentState.ForcedDl] = ClientClass.Downloading,
            [ClientTorrentState.Allocating] = ClientClass.Downloading,
            [ClientTorrentState.Uploading] = ClientClass.Complete,
            [ClientTorrentState.StalledUp] = ClientClass.Complete,
            [ClientTorrentState.QueuedUp] = ClientClass.Complete,
            [ClientTorrentState.ForcedUp] = ClientClass.Complete,
            [ClientTorrentState.StoppedUp] = ClientClass.Complete,
            [ClientTorrentState.MetaDl] = ClientClass.NoMetadata,
            [ClientTorrentState.ForcedMetaDl] = ClientClass.NoMetadata,
            [ClientTorrentState.StoppedDl] = ClientClass.PausedDownload,
            [ClientTorrentState.CheckingUp] = ClientClass.Busy,
            [ClientTorrentState.CheckingDl] = ClientClass.Busy,
            [ClientTorrentState.CheckingResumeData] = ClientClass.Busy,
            [ClientTorrentState.Moving] = ClientClass.Busy,
            [ClientTorrentState.Unknown] = ClientClass.Busy,
            [ClientTorrentState.MissingFiles] = ClientClass.Broken,
            [ClientTorrentState.Error] = ClientClass.Broken,
        };
        foreach (var state in Enum.GetValues<ClientTorrentState>())
        {
            var status = new TorrentStatus { Id = new ClientTorrentId("a"), Name = "a", State = state, Progress = 1, AmountLeft = 0 };
            Assert.That(ClientClasses.Of(status), Is.EqualTo(expected[state]), state.ToString());
        }
    }

    [Test]
    public void PeerGate_OpensAfterThreeFailures_ProbesOnceAndClosesBySuccess()
    {
        var gate = new PeerGate(TimeSpan.FromSeconds(30));
        Assert.That(gate.Failed(default, default, 1), Is.False);
        Assert.That(gate.Failed(default, default, 1), Is.False);
        Assert.That(gate.State, Is.EqualTo(PeerGateState.Closed));
        Assert.That(gate.Failed(default, default, 1), Is.True);
        Assert.That(gate.State, Is.EqualTo(PeerGateState.Open));
        Assert.That(gate.ProbeAt, Is.EqualTo(TimeSpan.FromSeconds(1)));
        gate.BeginProbe();
        Assert.That(gate.State, Is.EqualTo(PeerGateState.HalfOpen));
        Assert.That(gate.Failed(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(10), 1), Is.True);
        Assert.That(gate.ProbeAt, Is.EqualTo(TimeSpan.FromSeconds(12)));
        gate.BeginProbe();
        gate.Succeeded();
        Assert.That(gate.State, Is.EqualTo(PeerGateState.Closed));
        Assert.That(gate.Failed(default, default, 1), Is.False);
    }

    [Test]
    public void PeerGate_LongOutage_NeverWaitsLongerThanItsLimit()
    {
        var gate = new PeerGate(TimeSpan.FromSeconds(30));
        for (var i = 0; i < 100; i++)
        {
            gate.BeginProbe();
            gate.Failed(default, default, 1);
        }

        Assert.That(gate.ProbeAt, Is.EqualTo(TimeSpan.FromSeconds(30)));
    }

    [Test]
    public void PollPace_WhenNothingMoves_SlowsDownToFiveSecondsAndBack()
    {
        var pace = new PollPace(TimeSpan.FromMilliseconds(500));
        Assert.That(pace.Next(TimeSpan.FromSeconds(1), true, default), Is.EqualTo(TimeSpan.FromMilliseconds(500)));
        Assert.That(pace.Next(TimeSpan.FromSeconds(5), false, default), Is.EqualTo(TimeSpan.FromMilliseconds(500)));
        var pauses = Enumerable.Range(12, 5).Select(second => pace.Next(TimeSpan.FromSeconds(second), false, default).TotalSeconds).ToList();
        Assert.That(pauses, Is.EqualTo([1, 2, 4, 5, 5]));
        Assert.That(pace.Next(TimeSpan.FromSeconds(60), true, default), Is.EqualTo(TimeSpan.FromMilliseconds(500)));
        Assert.That(pace.Next(TimeSpan.FromSeconds(61), true, TimeSpan.FromSeconds(2)), Is.EqualTo(TimeSpan.FromSeconds(4)), "a slow client is spared");
    }

    [Test]
    public void Strikes_AreSpacedForgottenAndCounted()
    {
        var strikes = new StrikeLedger();
        var now = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        Assert.That(strikes.Add(now), Is.True);
        Assert.That(strikes.Add(now.AddSeconds(29)), Is.False);
        Assert.That(strikes.Add(now.AddSeconds(30)), Is.True);
        Assert.That(strikes.IsOut(now.AddSeconds(30)), Is.False);
        Assert.That(strikes.Add(now.AddHours(6).AddSeconds(10)), Is.True, "the first is forgotten");
        Assert.That(strikes.At, Has.Count.EqualTo(2));
        Assert.That(strikes.Add(now.AddHours(6).AddSeconds(45)), Is.True);
        Assert.That(strikes.IsOut(now.AddHours(6).AddSeconds(45)), Is.False, "the second is forgotten by then");
        Assert.That(strikes.Add(now.AddHours(6).AddSeconds(80)), Is.True);
        Assert.That(strikes.IsOut(now.AddHours(6).AddSeconds(80)), Is.True);
    }

    [Test, SourceCase(80)]
    public void Refusals_EachHaveOneClass()
    {
        foreach (var reason in Enum.GetValues<RefusalReason>())
        {
            var expected = reason is RefusalReason.NoSpace or RefusalReason.Quota ? FaultClass.Capacity : reason.GetKind() switch
            {
                RefusalKind.Conflict => FaultClass.Conflict,
                RefusalKind.Permanent => FaultClass.Permanent,
                _ => FaultClass.TransientPeer,
            };
            Assert.That(FaultRules.Classify(reason), Is.EqualTo(expected), reason.ToString());
        }

        Assert.That(FaultRules.Classify((RefusalReason)999), Is.EqualTo(FaultClass.TransientPeer));
        Assert.That(FaultRules.Classify(new TorrentClientException(ClientFault.NotFound, "x", "404")), Is.EqualTo(FaultClass.TransientClient));
        Assert.That(FaultRules.Classify(new InvalidOperationException()), Is.EqualTo(FaultClass.Permanent));
    }

    [Test]
    public async Task Records_DamagedOnes_AreAbsentAndOthersLoad()
    {
        var memory = new MemoryRecords();
        using var log = new LogErrorGuard();
        var store = new RecordStore(memory, log.CreateLogger<RecordStore>());
        var record = new TorrentRecord
        {
            Id = Id(1).ToString(),
            ClientId = "c",
            Name = "film",
            State = TorrentSyncState.Synced,
            Strikes = [new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)],
            Finalize = new FinalizeRecord { Fingerprint = [1, 2], Category = "films", Tags = ["x"] },
            Completion = new CompletionRecord { Selection = [128], SelectedBytes = 7 },
        };
        await store.SaveAsync(record, default);
        await memory.WriteAsync("torrents/bad.json", "{"u8.ToArray(), default);
        await memory.WriteAsync("torrents/empty.json", Array.Empty<byte>(), default);

        var loaded = await store.LoadAsync(await store.LoadLedgerAsync(default), default);

        Assert.That(loaded, Has.Count.EqualTo(1));
        Assert.That(loaded[0].Finalize!.Tags, Is.EqualTo(["x"]));
        Assert.That(loaded[0].Completion!.Selection, Is.EqualTo(new byte[] { 128 }));
        Assert.That(loaded[0].State, Is.EqualTo(TorrentSyncState.Synced));
        Assert.That(log.Entries.Count(entry => entry.Level == LogLevel.Warning), Is.EqualTo(2));
    }

    [Test]
    public async Task Records_OfANewerVersion_AreRefused()
    {
        var memory = new MemoryRecords();
        using var log = new LogErrorGuard();
        var store = new RecordStore(memory, log.CreateLogger<RecordStore>());
        await store.SaveAsync(new TorrentRecord { Version = 2, Id = Id(1).ToString(), ClientId = "c", Name = "film" }, default);

        var ledger = await store.LoadLedgerAsync(default);
        Assert.That(async () => await store.LoadAsync(ledger, default), Throws.InstanceOf<StorageException>().With.Property("Fault").EqualTo(StorageFault.NewerState));
    }

    private static InfoHash Id(int number) => InfoHash.Parse(number.ToString("x40", System.Globalization.CultureInfo.InvariantCulture));
}
