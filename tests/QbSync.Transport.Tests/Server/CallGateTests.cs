using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Time.Testing;
using QbSync.Testing.Logging;
using QbSync.Testing.Waiting;
using QbSync.Transport.Server;
using QbSync.Transport.Tests.Client;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Server;

/// <summary>Limits of a peer and times of a call, over real gRPC.</summary>
internal sealed class CallGateTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly List<GrpcChannel> _channels = [];
    private FakeDestination _fake = null!;
    private LogErrorGuard _logs = null!;
    private DestinationServer _server = null!;

    [SetUp]
    public async Task SetUp()
    {
        _fake = new FakeDestination();
        _logs = new LogErrorGuard();
        _server = await DestinationServer.StartAsync(
            _fake, _logs, static options => (options.MaxCalls, options.MaxConnections) = (2, 2), time: _time);
    }

    [TearDown]
    public async Task TearDown()
    {
        _channels.ForEach(static channel => channel.Dispose());
        _channels.Clear();
        await _server.DisposeAsync();
        _logs.Verify();
        _logs.Dispose();
    }

    [Test]
    public async Task Calls_OverTheLimit_AreRefusedUnreadAndTheOthersAreAnswered()
    {
        var invoker = Connect();
        var session = await HelloAsync(invoker);
        var held = new TaskCompletionSource();
        _fake.StatusGate = held.Task;
        var first = GetStatus(invoker, session);
        var second = GetStatus(invoker, session);
        await Eventually.BecomesTrueAsync(() => _fake.Requests.Count(static item => item.Request is Ports.StatusRequest) == 2);
        var error = await CatchAsync(GetStatus(invoker, session));
        Assert.That((error.StatusCode, error.Status.Detail), Is.EqualTo((StatusCode.ResourceExhausted, "max-peer-calls: 2 calls are being answered.")));
        Assert.That(_logs.Entries.Count(static entry => entry.Id.Id == TransportEventIds.OverLimit), Is.EqualTo(1));
        held.SetResult();
        await Task.WhenAll(first, second).DefaultTimeout();
        await GetStatus(invoker, session).DefaultTimeout();
    }

    [Test]
    public async Task Connections_OverTheLimit_AreRefusedUntilOneCloses()
    {
        await HelloAsync(Connect());
        await HelloAsync(Connect());
        var error = await CatchAsync(HelloAsync(Connect()));
        Assert.That((error.StatusCode, error.Status.Detail), Is.EqualTo((StatusCode.ResourceExhausted, "max-peer-connections: 2 connections are open.")));
        _channels[0].Dispose();
        await Eventually.BecomesTrueAsync(async () =>
        {
            try
            {
                await HelloAsync(_channels[2].CreateCallInvoker());
                return true;
            }
            catch (RpcException)
            {
                return false;
            }
        });
    }

    [Test]
    public async Task Upload_WhoseFirstMessageDoesNotCome_EndsAfterTenSeconds()
    {
        var invoker = Connect();
        var session = await HelloAsync(invoker);
        using var call = invoker.AsyncClientStreamingCall(SyncMethods.Init, null, new CallOptions(session));
        var answer = call.ResponseAsync;
        await EndsAtAsync(answer, TimeSpan.FromSeconds(10));
    }

    [Test]
    public async Task Upload_WhoseNextPartDoesNotCome_EndsAfterThirtySeconds()
    {
        await using var server = await DestinationServer.StartAsync(_fake, _logs, time: _time);
        var invoker = Connect(server.Port);
        var session = await HelloAsync(invoker);
        var request = new Ports.InitRequest
        {
            Id = TestSource.Torrent,
            Selection = new byte[] { 0x80 },
            Place = new Ports.Place("", [], Torrents.ContentLayout.Original),
            Parameters = new Ports.TorrentParameters(),
        };
        using var first = new HeldUpload(invoker, session, request);
        using var second = new HeldUpload(invoker, session, request);
        using var third = new HeldUpload(invoker, session, request);

        // A third one is told Busy: so the parts of both others were read, and it is the next one's time that runs.
        await Eventually.BecomesTrueAsync(async () =>
        {
            await first.BeginAsync();
            await second.BeginAsync();
            await third.BeginAsync();
            return (await third.EndAsync()).Refusal?.Reason == RefusalReason.Busy;
        });
        await EndsAtAsync(first.Answer, TimeSpan.FromSeconds(30));
        Assert.That((await CatchAsync(second.Answer)).StatusCode, Is.EqualTo(StatusCode.DeadlineExceeded));
    }

    [Test]
    public async Task Calls_NotAnswered_EndInTimeAndOthersGoOn()
    {
        var invoker = Connect();
        var session = await HelloAsync(invoker);
        _fake.StatusGate = new TaskCompletionSource().Task;
        var status = GetStatus(invoker, session);
        await Eventually.BecomesTrueAsync(() => _fake.Requests.Any(static item => item.Request is Ports.StatusRequest));
        await EndsAtAsync(status, TimeSpan.FromSeconds(30));

        _fake.HelloGate = new TaskCompletionSource().Task;
        var greetings = _fake.Requests.Count;
        var hello = HelloAsync(invoker);
        await Eventually.BecomesTrueAsync(() => _fake.Requests.Count > greetings);
        await EndsAtAsync(hello, TimeSpan.FromSeconds(5));
        _fake.StatusGate = Task.CompletedTask;
        await GetStatus(invoker, session).DefaultTimeout();
    }

    [Test]
    public void Limits_OfOnePeer_AreNotAnothers()
    {
        var limits = new PeerLimits(new TransportServerOptions { MaxConnections = 1, MaxStreams = 1, MaxCalls = 1 });
        using var first = limits.TryConnect("a", out _)!;
        Assert.That(limits.TryConnect("a", out _), Is.Null);
        using var other = limits.TryConnect("b", out _)!;
        foreach (var kind in Enum.GetValues<CallKind>())
        {
            Assert.That(limits.TryBegin(first, kind, out _), Is.True);
            Assert.That(limits.TryBegin(first, kind, out var limit), Is.False);
            Assert.That(limit, Does.StartWith("max-peer-"));
            Assert.That(limits.TryBegin(other, kind, out _), Is.True);
        }

        first.Dispose();
        using var again = limits.TryConnect("a", out _)!;
        Assert.That(limits.TryBegin(again, CallKind.Call, out _), Is.False, "its call on the connection that closed is not over");
        limits.End(first, CallKind.Call);
        Assert.That(limits.TryBegin(again, CallKind.Call, out _), Is.True);
    }

    [Test]
    public void Limits_CallOfAConnectionThatCloses_CountsWithThoseOfTheNext()
    {
        var limits = new PeerLimits(new TransportServerOptions { MaxConnections = 1, MaxStreams = 1, MaxCalls = 1 });
        var gone = limits.TryConnect("a", out _)!;
        gone.Dispose();
        Assert.That(limits.TryBegin(gone, CallKind.Call, out _), Is.True, "it came before the connection was closed, and is counted after");
        using var next = limits.TryConnect("a", out _)!;
        Assert.That(limits.TryBegin(next, CallKind.Call, out _), Is.False);

        limits.End(gone, CallKind.Call);

        Assert.That(limits.TryConnect("a", out _), Is.Null, "the next connection is still counted");
        Assert.That(limits.TryBegin(next, CallKind.Call, out _), Is.True);
    }

    /// <summary>Not before its time, and then with the status of a deadline.</summary>
    private async Task EndsAtAsync(Task call, TimeSpan limit)
    {
        _time.Advance(limit - TimeSpan.FromSeconds(1));
        Assert.That(call.IsCompleted, Is.False);

        // A message that is still on its way begins the time anew when it comes.
        await Eventually.BecomesTrueAsync(() =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return call.IsCompleted;
        });
        Assert.That((await CatchAsync(call)).StatusCode, Is.EqualTo(StatusCode.DeadlineExceeded));
    }

    private static async Task<RpcException> CatchAsync(Task call)
    {
        try
        {
            await call.DefaultTimeout();
        }
        catch (RpcException e)
        {
            return e;
        }

        throw new AssertionException("No status came.");
    }

    private static Task<GetStatusReply> GetStatus(CallInvoker invoker, Metadata session) => invoker.AsyncUnaryCall(
        SyncMethods.GetStatus, null, new CallOptions(session), new GetStatusRequest { Id = { WireMapping.ToWire(TestSource.Torrent) } }).ResponseAsync;

    private static async Task<Metadata> HelloAsync(CallInvoker invoker)
    {
        var hello = new HelloRequest { Lowest = 1, Highest = 1, SourceId = WireMapping.ToWire(new byte[16]) };
        var reply = await invoker.AsyncUnaryCall(SyncMethods.Hello, null, default, hello).ResponseAsync.DefaultTimeout();
        return new Metadata { { SyncLimits.SessionKey, reply.Session.ToByteArray() } };
    }

    private CallInvoker Connect(int? port = null)
    {
        var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{port ?? _server.Port}", new GrpcChannelOptions { HttpHandler = new SocketsHttpHandler(), DisposeHttpClient = true });
        _channels.Add(channel);
        return channel.CreateCallInvoker();
    }
}
