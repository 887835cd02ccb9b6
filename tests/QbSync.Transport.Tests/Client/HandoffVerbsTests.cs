using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Torrents;
using QbSync.Transport.Wire;
using WireProtocol = QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Client;

/// <summary>Prove, Start, Withdraw, ConfirmHandoff and the table of Finalize over real gRPC on the loopback.</summary>
internal sealed class HandoffVerbsTests : LoopbackVerbs
{
    [Test]
    public async Task Prove_EachAnswer_Crosses()
    {
        ProveOutcome[] outcomes =
        [
            new ProveOutcome.Running(new OperationProgress(FinalizeStage.Verifying, 1, 2, RefusalReason.ClientUnreachable)),
            new ProveOutcome.Unknown(),
            new ProveOutcome.Refused(new Refusal(RefusalReason.Incomplete, "file b changed")),
        ];
        var request = new ProveRequest(Id, new byte[] { 5, 6 }, new byte[] { 7 });
        foreach (var outcome in outcomes)
        {
            Fake.OnProve = _ => outcome;
            Assert.That(await Remote.ProveAsync(Caller, request, default).DefaultTimeout(), Is.EqualTo(outcome));
        }

        var at = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123);
        Fake.OnProve = asked => new ProveOutcome.Proven(new Proof
        {
            Id = asked.Id,
            Nonce = asked.Nonce,
            ManifestDigest = Enumerable.Repeat((byte)3, 32).ToArray(),
            ProvenFiles = new byte[] { 0xa0 },
            SelectedBytes = 1L << 45,
            BytesReadBack = (1L << 45) + 1,
            From = at,
            To = at + TimeSpan.FromSeconds(1),
            Client = new ClientView(ClientTorrentState.ForcedUp, 1, 0, TimeProvider.System.GetUtcNow(), AnnounceState.NotYet),
            ProofId = new byte[] { 8, 9 },
        });
        var proof = ((ProveOutcome.Proven)await Remote.ProveAsync(Caller, request, default).DefaultTimeout()).Proof;
        Assert.That((proof.Id, proof.SelectedBytes, proof.BytesReadBack), Is.EqualTo((Id, 1L << 45, (1L << 45) + 1)));
        Assert.That((proof.From, proof.To), Is.EqualTo((at, at + TimeSpan.FromSeconds(1))));
        Assert.That((proof.Client.State, proof.Client.Announce), Is.EqualTo((ClientTorrentState.ForcedUp, AnnounceState.NotYet)));
        Assert.That(proof.Nonce.ToArray(), Is.EqualTo(new byte[] { 5, 6 }));
        Assert.That(proof.ProofId.ToArray(), Is.EqualTo(new byte[] { 8, 9 }));
        Assert.That(proof.ProvenFiles.ToArray(), Is.EqualTo(new byte[] { 0xa0 }));
        Assert.That(proof.ManifestDigest.ToArray(), Is.EqualTo(Enumerable.Repeat((byte)3, 32)));
        Assert.That(Seen<ProveRequest>().SelectionFingerprint.ToArray(), Is.EqualTo(new byte[] { 7 }));
    }

    [Test]
    [TransportCase(12)]
    public async Task Prove_AnsweredWithAnotherNonce_IsAPeerFaultAndNoProof()
    {
        Fake.OnProve = asked => new ProveOutcome.Proven(new Proof
        {
            Id = asked.Id,
            Nonce = new byte[] { 1 },
            ManifestDigest = new byte[32],
            ProvenFiles = new byte[] { 0x80 },
            SelectedBytes = 1,
            BytesReadBack = 1,
            From = DateTimeOffset.UnixEpoch,
            To = DateTimeOffset.UnixEpoch,
            Client = new ClientView(ClientTorrentState.ForcedUp, 1, 0, DateTimeOffset.UnixEpoch),
            ProofId = new byte[32],
        });
        Assert.That(
            async () => await Remote.ProveAsync(Caller, new ProveRequest(Id, new byte[] { 2 }, default), default).DefaultTimeout(),
            Throws.TypeOf<PeerException>().With.Property(nameof(PeerException.Fault)).EqualTo(PeerFault.Malformed));
    }

    [Test]
    public async Task Start_EachAnswer_Crosses()
    {
        StartOutcome[] outcomes =
        [
            new StartOutcome.Running(new OperationProgress(FinalizeStage.Checking, 0, 0)),
            new StartOutcome.Unknown(),
            new StartOutcome.Refused(new Refusal(RefusalReason.StartOff)),
        ];
        var request = new StartRequest(Id, StartCause.RemovedAtSource, new TorrentParameters { Category = "films", Tags = ["a"] });
        foreach (var outcome in outcomes)
        {
            Fake.OnStart = _ => outcome;
            Assert.That(await Remote.StartAsync(Caller, request, default).DefaultTimeout(), Is.EqualTo(outcome));
        }

        var view = new ClientView(ClientTorrentState.QueuedUp, 1, 0, TimeProvider.System.GetUtcNow(), AnnounceState.Rejected, "no");
        Fake.OnStart = _ => new StartOutcome.Started(view);
        var started = (StartOutcome.Started)await Remote.StartAsync(Caller, request, default).DefaultTimeout();
        Assert.That((started.Seen.State, started.Seen.Announce, started.Seen.AnnounceText), Is.EqualTo((ClientTorrentState.QueuedUp, AnnounceState.Rejected, "no")));
        var seen = Seen<StartRequest>();
        Assert.That((seen.Id, seen.Cause, seen.Parameters.Category), Is.EqualTo((Id, StartCause.RemovedAtSource, "films")));
    }

    private static readonly (double Ratio, double Seeding, double Inactive, double RatioThere, double SeedingThere, double InactiveThere)[] Limits =
    [
        (-2, -2, -2, -2, -2, -2),
        (-1, -1, -1, -1, -1, -1),
        (0, 0, 0, 0, 0, 0),
        (1.2341, 90, -2, 1.235, 90, -2),
        (-2, 0.5, 1e15, -2, 1, uint.MaxValue - 1),
    ];

    [TestCaseSource(nameof(Limits))]
    public async Task Start_ShareLimits_CrossRoundedUp(
        (double Ratio, double Seeding, double Inactive, double RatioThere, double SeedingThere, double InactiveThere) limits)
    {
        Fake.OnStart = static _ => new StartOutcome.Unknown();
        var parameters = new TorrentParameters { Limits = ShareLimits.FromNumbers(limits.Ratio, limits.Seeding, limits.Inactive) };
        await Remote.StartAsync(Caller, new StartRequest(Id, StartCause.Handoff, parameters), default).DefaultTimeout();
        Assert.That(
            Seen<StartRequest>().Parameters.Limits,
            Is.EqualTo(ShareLimits.FromNumbers(limits.RatioThere, limits.SeedingThere, limits.InactiveThere)));
    }

    [Test]
    public async Task Withdraw_EachAnswer_Crosses()
    {
        WithdrawOutcome[] outcomes =
        [
            new WithdrawOutcome.Done(null),
            new WithdrawOutcome.Running(new OperationProgress(FinalizeStage.Checking, 0, 0, RefusalReason.ClientUnreachable)),
            new WithdrawOutcome.Refused(new Refusal(RefusalReason.ClientUnreachable, "gone", TimeSpan.FromSeconds(2))),
        ];
        foreach (var outcome in outcomes)
        {
            Fake.OnWithdraw = _ => outcome;
            Assert.That(await Remote.WithdrawAsync(Caller, new WithdrawRequest(Id), default).DefaultTimeout(), Is.EqualTo(outcome));
        }

        Fake.OnWithdraw = _ => new WithdrawOutcome.Done(new ClientView(ClientTorrentState.StoppedUp, 1, 0, TimeProvider.System.GetUtcNow()));
        var done = (WithdrawOutcome.Done)await Remote.WithdrawAsync(Caller, new WithdrawRequest(Id), default).DefaultTimeout();
        Assert.That(done.Seen!.State, Is.EqualTo(ClientTorrentState.StoppedUp));
        Assert.That(Seen<WithdrawRequest>(), Is.EqualTo(new WithdrawRequest(Id)));
    }

    [Test]
    public async Task ConfirmHandoff_EachAnswer_Crosses()
    {
        ConfirmOutcome[] outcomes = [new ConfirmOutcome.Done(), new ConfirmOutcome.Unknown(), new ConfirmOutcome.Refused(new Refusal(RefusalReason.Incomplete))];
        foreach (var outcome in outcomes)
        {
            Fake.OnConfirm = _ => outcome;
            Assert.That(
                await Remote.ConfirmHandoffAsync(Caller, new ConfirmHandoffRequest(Id, "source-removed", new byte[] { 4 }), default).DefaultTimeout(),
                Is.EqualTo(outcome));
        }

        var seen = Seen<ConfirmHandoffRequest>();
        Assert.That((seen.Tag, seen.ProofId.ToArray()), Is.EqualTo(("source-removed", new byte[] { 4 })));
    }

    [Test]
    public async Task Finalize_WithAFileTable_ArrivesWhole()
    {
        List<SourceFile> files = [.. Enumerable.Range(0, 40_000).Select(static i => new SourceFile(i, new FileIdentity(1, (ulong)i, i, i), i == 7 ? ["x", "y"] : []))];
        var request = new FinalizeRequest { Id = Id, SelectionFingerprint = new byte[32], Parameters = new TorrentParameters(), Files = files };
        await Remote.FinalizeAsync(Caller, request, default).DefaultTimeout();
        var seen = Seen<FinalizeRequest>().Files!;
        Assert.That(seen.Select(static file => (file.FileIndex, file.Identity)), Is.EqualTo(files.Select(static file => (file.FileIndex, file.Identity))));
        Assert.That(seen[7].Name, Is.EqualTo(new[] { "x", "y" }));

        await Remote.FinalizeAsync(Caller, request with { Files = null }, default).DefaultTimeout();
        Assert.That(Fake.Requests.Select(static item => item.Request).OfType<FinalizeRequest>().Last().Files, Is.Null);
    }

    [Test]
    public async Task Verbs_WithoutASessionOrWithABrokenId_AreRefusedBeforeTheDestination()
    {
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{Server.Port}");
        var invoker = channel.CreateCallInvoker();
        ConcurrentQueue<StatusCode> answers = new();
        foreach (var options in new[] { new CallOptions(), new CallOptions(await SayHelloAsync(invoker)) })
        {
            var odd = ByteString.CopyFrom(new byte[21]);
            await TryAsync(() => invoker.AsyncUnaryCall(SyncMethods.Prove, null, options, new WireProtocol.ProveRequest { Id = odd, Nonce = odd }).ResponseAsync);
            await TryAsync(() => invoker.AsyncUnaryCall(SyncMethods.Start, null, options, new WireProtocol.StartRequest { Id = odd }).ResponseAsync);
            await TryAsync(() => invoker.AsyncUnaryCall(SyncMethods.Withdraw, null, options, new WireProtocol.WithdrawRequest { Id = odd }).ResponseAsync);
            await TryAsync(() => invoker.AsyncUnaryCall(SyncMethods.ConfirmHandoff, null, options, new WireProtocol.ConfirmHandoffRequest { Id = odd }).ResponseAsync);
        }

        Assert.That(answers, Is.EqualTo(Enumerable.Repeat(StatusCode.FailedPrecondition, 4).Concat(Enumerable.Repeat(StatusCode.InvalidArgument, 4))));
        Assert.That(Fake.Requests.All(static item => item.Request is "hello"));

        async Task TryAsync(Func<Task> call)
        {
            try
            {
                await call().DefaultTimeout();
            }
            catch (RpcException e)
            {
                answers.Enqueue(e.StatusCode);
            }
        }
    }

    private static async Task<Metadata> SayHelloAsync(CallInvoker invoker)
    {
        var hello = new WireProtocol.HelloRequest { Lowest = 1, Highest = 1, SourceId = WireMapping.ToWire(new byte[16]) };
        var session = await invoker.AsyncUnaryCall(SyncMethods.Hello, null, default, hello).ResponseAsync.DefaultTimeout();
        return new Metadata { { SyncLimits.SessionKey, session.Session.ToByteArray() } };
    }

    private T Seen<T>() => Fake.Requests.Select(static item => item.Request).OfType<T>().First();
}
