using Microsoft.Extensions.Time.Testing;
using QbSync.Ports;
using QbSync.Testing.Logging;
using QbSync.Torrents;
using QbSync.Transport.Tests.Server;

namespace QbSync.Transport.Tests.Client;

/// <summary>A destination that answers as a test says, behind a real server, and a source's view of it over real gRPC on the loopback.</summary>
internal abstract class LoopbackVerbs
{
    private protected static readonly Caller Caller = new(new Guid("00112233-4455-6677-8899-aabbccddeeff"), "seedbox");
    private protected static readonly InfoHash Id = TestSource.Torrent;

    // Time stands, unless a test brings a clock of its own: no deadline is over because the machine was slow.
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());

    private protected FakeDestination Fake { get; private set; } = null!;

    private protected LogErrorGuard Logs { get; private set; } = null!;

    private protected DestinationServer Server { get; set; } = null!;

    private protected RemoteDestination Remote { get; private set; } = null!;

    [SetUp]
    public async Task BeginAsync()
    {
        Fake = new FakeDestination();
        Logs = new LogErrorGuard();
        Server = await DestinationServer.StartAsync(Fake, Logs, time: _time);
        Remote = Connect(Server.Port);
    }

    [TearDown]
    public async Task EndAsync()
    {
        await Remote.DisposeAsync();
        await Server.DisposeAsync();
        Logs.Verify();
        Logs.Dispose();
    }

    private protected RemoteDestination Connect(int port, TimeProvider? time = null)
    {
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var options = new TransportClientOptions { Address = $"127.0.0.1:{port}", Security = new() { Mode = SecurityMode.Insecure } };
        return new RemoteDestination(options, Prometheus.Metrics.WithCustomRegistry(registry), registry, Logs, time ?? _time, new Random(1));
    }
}
