using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Prometheus;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;
using QbSync.Testing.Metrics;
using QbSync.Testing.Waiting;
using QbSync.Transport.Security;
using QbSync.Transport.Tests.Server;

namespace QbSync.Transport.Tests.Security;

/// <summary>A node with an identity and a file of peers of its own, which may listen and dial.</summary>
internal sealed class SecureNode : IAsyncDisposable
{
    private readonly TempDirectory _folder = new();
    private readonly LogErrorGuard _logs;
    private readonly List<IAsyncDisposable> _open = [];

    /// <param name="born">When its certificate was made; null for now.</param>
    public SecureNode(LogErrorGuard logs, string name, TimeProvider? born = null)
    {
        _logs = logs;
        Name = name;
        Options = new SecurityOptions { IdentityFile = _folder["identity.pem"], PeersFile = _folder["peers.json"] };
        Identity = NodeIdentity.LoadOrCreate(Options.IdentityFile, born ?? TimeProvider.System);
        Peers = PeerStore.Open(Options.PeersFile, TimeProvider.System);
        Destination = new FakeDestination();
    }

    public string Name { get; }

    public SecurityOptions Options { get; }

    public NodeIdentity Identity { get; }

    /// <summary>As another process would see and change it.</summary>
    public PeerStore Peers { get; }

    public FakeDestination Destination { get; }

    public CollectorRegistry Registry { get; } = Prometheus.Metrics.NewCustomRegistry();

    public DestinationServer Server { get; private set; } = null!;

    public string Address => $"127.0.0.1:{Server.Port}";

    public Task TrustAsync(SecureNode other, string? address = null) =>
        Peers.AddAsync(new Peer(other.Identity.Id, other.Name) { Address = address, AddedAt = DateTimeOffset.UnixEpoch }, CancellationToken.None);

    public async Task ListenAsync(TimeProvider? time = null, Action<SecurityOptions>? configure = null)
    {
        configure?.Invoke(Options);
        Server = await DestinationServer.StartAsync(Destination, _logs, options => options.Security = Options, time: time ?? PatientTime.Instance);
        _open.Add(Server);
    }

    public RemoteDestination Dial(string address, Action<SecurityOptions>? configure = null)
    {
        configure?.Invoke(Options);
        var remote = new RemoteDestination(
            new TransportClientOptions { Address = address, ReconnectMaxDelay = TimeSpan.FromSeconds(1), Security = Options },
            Prometheus.Metrics.WithCustomRegistry(Registry),
            Registry,
            _logs,
            PatientTime.Instance,
            new Random(1));
        _open.Add(remote);
        return remote;
    }

    /// <summary>TLS to a listener with any certificate, checking nothing: what a stranger can do.</summary>
    public static async Task<SslStream> KnockAsync(int port, X509Certificate2? certificate, SslProtocols protocols = SslProtocols.None)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
        var ssl = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await ssl.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            EnabledSslProtocols = protocols,
            ClientCertificateContext = certificate is null ? null : SslStreamCertificateContext.Create(certificate, null, offline: true),
            RemoteCertificateValidationCallback = static (_, _, _, _) => true,
        });
        return ssl;
    }

    public static X509Certificate2 NewEcdsa(ECCurve curve)
    {
        using var key = ECDsa.Create(curve);
        return new CertificateRequest("CN=stranger", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(9));
    }

    public static X509Certificate2 NewRsa()
    {
        using var key = RSA.Create(2048);
        return new CertificateRequest("CN=stranger", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(9));
    }

    public async Task<double> CountAsync(string series, CollectorRegistry? registry = null)
    {
        using var text = new MemoryStream();
        await MovedSeries.CollectAsync(registry ?? Registry, text);
        return System.Text.Encoding.UTF8.GetString(text.ToArray()).Split('\n')
            .Where(line => line.StartsWith(series, StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture));
    }

    public async ValueTask DisposeAsync()
    {
        for (var i = _open.Count - 1; i >= 0; i--)
        {
            await _open[i].DisposeAsync();
        }

        Peers.Dispose();
        Identity.Dispose();
        _folder.Dispose();
    }
}
