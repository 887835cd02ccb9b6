using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using QbSync.Host;
using QbSync.Host.Configuration;
using QbSync.Host.Lifetime;
using QbSync.Testing.Clients.Sim;
using QbSync.Testing.Logging;
using QbSync.Testing.Monitoring;

namespace QbSync.IntegrationTests.Monitoring;

/// <summary>
/// A source and a destination as the executable runs them, each with a simulated qBittorrent over a real folder, between them a line that can damage a byte,
/// and a Prometheus that scrapes both, and a second destination that has a certificate. What is synced is handed over without delay.
/// </summary>
internal sealed class MonitoredNodes : IAsyncDisposable
{
    private readonly TempDirectory _folder = new();
    private readonly LogErrorGuard _log = new();
    private readonly Stack<IAsyncDisposable> _owned = new();
    private ClientListener _sourceClient = null!;
    private ClientListener _destinationClient = null!;
    private Run _sourceRun = null!;

    private MonitoredNodes()
    {
    }

    /// <summary>The folder of the repository.</summary>
    public static string Root { get; } = FindRoot();

    public SourceNode Source { get; private set; } = null!;

    public DestinationNode Destination { get; private set; } = null!;

    public FlippingRelay Relay { get; private set; } = null!;

    public PrometheusServer Prometheus { get; private set; } = null!;

    /// <summary>Where all of it is.</summary>
    public string Folder => _folder.Path;

    public string DestinationData => _folder.CreateFolder("destination", "data");

    private string SourceData => _folder.CreateFolder("source", "data");

    /// <param name="more">Options of the source.</param>
    public static async Task<MonitoredNodes> StartAsync(params (string Name, string Value)[] more)
    {
        var nodes = new MonitoredNodes();
        try
        {
            await nodes.StartAllAsync(more);
            return nodes;
        }
        catch
        {
            await nodes.DisposeAsync();
            throw;
        }
    }

    /// <summary>A torrent that the source's client has whole, and seeds.</summary>
    public void AddWhole(BuiltTorrent torrent)
    {
        torrent.WriteContent(SourceData);
        _sourceClient.Model.Add(new SimAdd(torrent.Bytes, SourceData) { IsSeedMode = true, IsStopped = false });
    }

    /// <summary>A torrent that the source's client downloads; <see cref="Arrive"/> brings its pieces.</summary>
    public void AddDownloading(BuiltTorrent torrent)
    {
        // Its bytes lie there from the start; the client knows of none before they arrive, since it is added stopped and not checked.
        torrent.WriteContent(SourceData);
        var (_, id) = _sourceClient.Model.Add(new SimAdd(torrent.Bytes, SourceData));
        _sourceClient.Model.Start([id]);
    }

    /// <summary>Pieces of it come in at the source.</summary>
    public void Arrive(BuiltTorrent torrent, IEnumerable<int> pieces) =>
        _sourceClient.Model.Arrive(_sourceClient.Model.Look(look => look.Torrents.Single(known => known.Manifest.Id == torrent.Id).Id), [.. pieces]);

    /// <summary>Whether it is whole at the destination, as the source knows.</summary>
    public bool IsSynced(BuiltTorrent torrent) => Source.Status?.Torrents.Any(known => known.Id == torrent.Id && known.FinishedAt is not null) == true;

    /// <summary>Whether it is gone at the source and active at the destination.</summary>
    public bool IsHandedOver(BuiltTorrent torrent) =>
        _sourceClient.Model.Look(look => !look.Torrents.Any(known => known.Manifest.Id == torrent.Id))
        && _destinationClient.Model.Look(look => look.Torrents.Any(known => known.Manifest.Id == torrent.Id && !known.IsStopped));

    /// <summary>Tells the source to stop, which hands over first what is synced, and what becomes so meanwhile.</summary>
    public Task DrainAsync() => _sourceRun.StopAsync();

    public async ValueTask DisposeAsync()
    {
        while (_owned.TryPop(out var owned))
        {
            await owned.DisposeAsync();
        }

        _folder.Dispose();
        _log.Verify();
    }

    private async Task StartAllAsync((string Name, string Value)[] more)
    {
        _sourceClient = Own(await ClientListener.StartAsync(SourceData));
        _destinationClient = Own(await ClientListener.StartAsync(DestinationData));
        Destination = new DestinationNode(
            Read(
                Roles.Destination,
                [
                    ("data", DestinationData), ("listen", "127.0.0.1:0"), ("min-free", "0"), ("security", "insecure"), ("poll-interval", "200ms"),
                    ("qb-url", $"{_destinationClient.Url}"),
                ],
                "destination"),
            _log,
            TimeProvider.System,
            new Random(1));
        await RunAsync(Destination);
        Relay = Own(new FlippingRelay(Destination.ListenAddress!.Port));
        Source = new SourceNode(
            Read(
                Roles.Source,
                [
                    ("data", SourceData), ("destination-addr", $"127.0.0.1:{Relay.Port}"), ("security", "insecure"), ("qb-url", $"{_sourceClient.Url}"),
                    ("qb-poll-interval", "200ms"), ("sleep", "1s"), ("handoff", "seeded"), ("min-seeding-time", "0s"), ("delete-grace", "0s"),
                    ("verify-announce", "false"), ("drain", "always"), .. more,
                ],
                "source"),
            _log,
            TimeProvider.System,
            new Random(2));
        _sourceRun = await RunAsync(Source);
        var certified = new DestinationNode(
            Read(Roles.Destination, [("data", _folder.CreateFolder("certified", "data")), ("listen", "127.0.0.1:0"), ("client", "folder"), .. Certificate()], "certified"),
            _log,
            TimeProvider.System,
            new Random(3));
        await RunAsync(certified);
        Prometheus = Own(await PrometheusServer.StartAsync(
            ("source", Source.HealthAddress!), ("destination", Destination.HealthAddress!), ("certified", certified.HealthAddress!)));

        // What happens between two looks at a counter shows; what happened before the first does not.
        await Eventually.BecomesTrueAsync(async () => (await Prometheus.QueryAsync("sum(up) == 3")).Count > 0);
    }

    /// <summary>What a destination with a certificate and a token needs.</summary>
    private (string Name, string Value)[] Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=destination", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(90));
        var (certificateFile, keyFile) = (_folder["certified", "tls.crt"], _folder["certified", "tls.key"]);
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(keyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        return [("security", "token"), ("tls-cert-file", certificateFile), ("tls-key-file", keyFile), ("peer-token", new string('t', 40))];
    }

    private async Task<Run> RunAsync(RoleNode node)
    {
        Own(node);
        await node.StartAsync(CancellationToken.None);
        return Own(new Run(node));
    }

    private T Own<T>(T owned)
        where T : IAsyncDisposable
    {
        _owned.Push(owned);
        return owned;
    }

    private RoleSettings Read(Roles role, (string Name, string Value)[] options, string name)
    {
        (string Name, string Value)[] all = [("state-dir", _folder[name, "state"]), ("health-addr", "127.0.0.1:0"), .. options];
        var settings = RoleSettings.Read(
            role, all.ToDictionary(option => option.Name, IReadOnlyList<string> (option) => [option.Value]), new Dictionary<string, string>(), out var errors);
        Assert.That(errors, Is.Empty);
        return settings!;
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "QbSync.sln")))
        {
            folder = folder.Parent;
        }

        return folder.FullName;
    }

    /// <summary>A node's run. At its end it is stopped, twice, so that a drain does not go on.</summary>
    private sealed class Run : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly CancellationTokenSource _hurry = new();
        private readonly Task _task;

        public Run(RoleNode node) => _task = Task.Run(() => node.RunAsync(_stop.Token, _hurry.Token));

        public Task StopAsync() => _stop.CancelAsync();

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _hurry.CancelAsync();
            await _task.DefaultTimeout();
            _stop.Dispose();
            _hurry.Dispose();
        }
    }
}
