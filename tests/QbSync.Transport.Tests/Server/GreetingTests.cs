using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.DependencyInjection;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;
using RefusalReason = QbSync.Transport.Wire.Protocol.RefusalReason;

namespace QbSync.Transport.Tests.Server;

/// <summary>What Hello agrees on, over real gRPC.</summary>
[TransportCase(4)]
internal sealed class GreetingTests
{
    private static readonly byte[] Self = [.. Enumerable.Range(0, 32).Select(static i => (byte)(i + 1))];
    private readonly FakeDestination _fake = new();
    private LogErrorGuard _logs = null!;
    private DestinationServer _server = null!;
    private GrpcChannel _channel = null!;

    [SetUp]
    public async Task SetUp()
    {
        _logs = new LogErrorGuard();
        _server = await DestinationServer.StartAsync(_fake, _logs, services: static services =>
        {
            services.AddSingleton(new WireVersions(1, 3) { Capabilities = [7] });
            services.AddSingleton(new LocalNode(Self));
        });
        _channel = GrpcChannel.ForAddress($"http://127.0.0.1:{_server.Port}");
    }

    [TearDown]
    public async Task TearDown()
    {
        _channel.Dispose();
        await _server.DisposeAsync();
        _logs.Verify();
        _logs.Dispose();
    }

    [TestCase(2U, 2U, 2U)]
    [TestCase(1U, 1U, 1U)]
    [TestCase(2U, 9U, 3U)]
    public async Task Ranges_ThatMeet_AgreeOnTheHighestCommon(uint lowest, uint highest, uint common)
    {
        var reply = await HelloAsync(NewHello(lowest, highest));
        Assert.That((reply.Protocol, reply.Session.Length), Is.EqualTo((common, 16)));
        Assert.That(reply.NodeId.ToByteArray(), Is.EqualTo(Self));
    }

    [TestCase(4U, 5U)]
    [TestCase(3U, 2U)]
    public async Task Ranges_ThatDoNotMeet_AreRefusedAndBothNamed(uint lowest, uint highest)
    {
        var reply = await HelloAsync(NewHello(lowest, highest));
        Assert.That(reply.Refusal.Reason, Is.EqualTo(RefusalReason.ProtocolMismatch));
        Assert.That(reply.Refusal.Detail, Does.Contain($"{lowest} to {highest}").And.Contain("1 to 3"));
        Assert.That(reply.Session.IsEmpty);
    }

    [Test]
    public async Task Capabilities_UnknownOnes_AreIgnored()
    {
        var hello = NewHello(1, 1);
        hello.Capability.Add([99U, 7U, 7U]);
        Assert.That((await HelloAsync(hello)).Capability, Is.EqualTo(new[] { 7U }));
    }

    [Test]
    public async Task OwnNodeId_IsSelf()
    {
        var hello = NewHello(1, 1);
        hello.NodeId = WireMapping.ToWire(Self);
        var reply = await HelloAsync(hello);
        Assert.That((reply.Refusal.Reason, reply.Session.IsEmpty), Is.EqualTo((RefusalReason.PeerIsSelf, true)));
    }

    [Test]
    public async Task OlderLease_IsSuperseded()
    {
        var newer = NewHello(1, 1);
        newer.LeaseEpoch = 5;
        Assert.That((await HelloAsync(newer)).Refusal, Is.Null);
        var older = NewHello(1, 1);
        older.LeaseEpoch = 4;
        Assert.That((await HelloAsync(older)).Refusal.Reason, Is.EqualTo(RefusalReason.Superseded));
    }

    [TestCase(15, 0)]
    [TestCase(16, 31)]
    public void Ids_OfAnotherLength_AreMalformed(int source, int node)
    {
        var hello = NewHello(1, 1);
        (hello.SourceId, hello.NodeId) = (WireMapping.ToWire(new byte[source]), WireMapping.ToWire(new byte[node]));
        Assert.That(
            async () => await HelloAsync(hello),
            Throws.TypeOf<RpcException>().With.Property(nameof(RpcException.StatusCode)).EqualTo(StatusCode.InvalidArgument));
    }

    private static HelloRequest NewHello(uint lowest, uint highest) =>
        new() { Lowest = lowest, Highest = highest, SourceId = WireMapping.ToWire(new byte[16]), Name = new string('x', 2000) };

    private Task<HelloReply> HelloAsync(HelloRequest request) =>
        _channel.CreateCallInvoker().AsyncUnaryCall(SyncMethods.Hello, null, default, request).ResponseAsync.DefaultTimeout();
}
