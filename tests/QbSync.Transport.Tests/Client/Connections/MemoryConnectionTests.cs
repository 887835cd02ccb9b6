using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Client;
using QbSync.Transport.Client.Connections;
using QbSync.Transport.Client.Sending;
using QbSync.Transport.Security;
using QbSync.Transport.Tests.EndToEnd;
using QbSync.Transport.Tests.Server;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Tests.Client.Connections;

/// <summary>Connections are byte streams and no more: a whole link runs over pipes in memory, where there is neither socket nor address.</summary>
internal sealed class MemoryConnectionTests
{
    private const int Length = 300_000;
    private static readonly Caller Caller = new(new Guid("6f1c2a0e-52a9-4c0f-9d5b-1f2e3d4c5b6a"), "test");

    [Test]
    [TransportCase(46)]
    public async Task Link_OverPipesInMemory_GreetsAndSendsPieces()
    {
        using var logs = new LogErrorGuard();
        var destination = new FakeDestination { OnBegin = static (_, _) => (PieceAckStatus.Pending, new FakeTransfer(Length)) };
        var network = new MemoryNetwork();
        await using var server = await DestinationServer.StartAsync(
            destination, logs, time: PatientTime.Instance, services: services => services.AddSingleton<IConnectionListenerFactory>(network));
        var options = new TransportClientOptions { Address = "nowhere:1", Scaling = false, Security = new() { Mode = SecurityMode.Insecure, AllowInsecure = true } };
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var metrics = TransportMetrics.ForSource(Prometheus.Metrics.WithCustomRegistry(registry), registry, options, PatientTime.Instance);
        using var control = new ControlConnection(options, network, logs.CreateLogger<ControlConnection>(), PatientTime.Instance);
        var session = new PeerSession(
            control, new CallSlots(), Caller, LocalNode.Nameless, WireVersions.Current, options.Address, metrics, logs.CreateLogger<PeerSession>(), PatientTime.Instance);
        var timed = 0;
        control.CallTimed += _ => timed++;
        await session.RenewAsync(CancellationToken.None).DefaultTimeout();
        Assert.That(timed, Is.Zero, "the first call had to dial");
        await session.RenewAsync(CancellationToken.None).DefaultTimeout();
        Assert.That(timed, Is.EqualTo(1));
        var sink = new RecordingSink();
        await using (var link = new PieceLink(options, session, network, sink, metrics, logs, PatientTime.Instance, new Random(1)))
        {
            for (var piece = 0; piece < 8; piece++)
            {
                Assert.That(await link.SendAsync(new TestSource(piece, Length), CancellationToken.None).DefaultTimeout(), Is.EqualTo(SendOutcome.Sent));
            }

            await Eventually.BecomesTrueAsync(() => sink.Held.Count() == 8 && link.OpenStreams == 2);
        }

        Assert.That(network.Dialed.Select(dialed => dialed.Kind).Distinct(), Is.EquivalentTo(new[] { ConnectionKind.Control, ConnectionKind.Data }));
        Assert.That(network.Dialed.Where(dialed => dialed.Kind == ConnectionKind.Data).Select(dialed => dialed.Slot).Distinct().Order(), Is.EqualTo(new[] { 0, 1 }));
        Assert.That(destination.Requests.First().Caller.Peer, Is.EqualTo("local"));
        logs.Verify();
    }

    /// <summary>Both ends: dials by making two pipes, listens by handing them out.</summary>
    private sealed class MemoryNetwork : IPeerConnector, IConnectionListenerFactory, IConnectionListener
    {
        private readonly Channel<ConnectionContext> _waiting = Channel.CreateBounded<ConnectionContext>(64); // more than a link has
        private int _next;

        public List<(ConnectionKind Kind, int Slot)> Dialed { get; } = [];

        public EndPoint EndPoint { get; private set; } = new IPEndPoint(IPAddress.Loopback, 1);

        public ValueTask<PeerConnection> ConnectAsync(ConnectionKind kind, int slot, CancellationToken cancellationToken)
        {
            lock (Dialed)
            {
                Dialed.Add((kind, slot));
            }

            var (there, back) = (new Pipe(), new Pipe());
            var id = Interlocked.Increment(ref _next).ToString(CultureInfo.InvariantCulture);
            _waiting.Writer.TryWrite(new DefaultConnectionContext(id, new TlsPipe(there.Reader, back.Writer), new TlsPipe(back.Reader, there.Writer)));
            return ValueTask.FromResult(new PeerConnection(new DuplexPipeStream(new TlsPipe(back.Reader, there.Writer), static () => { }), null, "memory"));
        }

        public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
        {
            EndPoint = endpoint;
            return ValueTask.FromResult<IConnectionListener>(this);
        }

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
            await _waiting.Reader.WaitToReadAsync(cancellationToken) && _waiting.Reader.TryRead(out var connection) ? connection : null;

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            _waiting.Writer.TryComplete();
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
