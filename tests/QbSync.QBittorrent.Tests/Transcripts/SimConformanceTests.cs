using QbSync.Ports;
using QbSync.Testing.Clients;
using QbSync.Testing.Clients.Sim;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;

namespace QbSync.QBittorrent.Tests.Transcripts;

/// <summary>The suite that every torrent client passes, on the simulated one.</summary>
[TestFixture("2.8.19"), TestFixture("2.16.2"), ClientCase(61)]
internal sealed class SimConformanceTests(string api) : TorrentClientConformance
{
    private readonly TempDirectory _folder = new();
    private SimTorrentClient _client = null!;

    protected override ITorrentClient Client => _client;

    protected override string DataFolder => _folder.CreateFolder("data");

    internal static SimClientModel Model(string api, string folder) => new(
        new SimClientOptions { SavePath = folder, Generation = new SimGeneration(Version.Parse(api)), Tick = TimeSpan.FromMilliseconds(20) }, TimeProvider.System);

    [OneTimeSetUp]
    public void Start() => _client = new SimTorrentClient(Model(api, DataFolder));

    [OneTimeTearDown]
    public void End() => _folder.Dispose();
}

/// <summary>The same suite on our client of the fake server.</summary>
[TestFixture("2.8.19"), TestFixture("2.11.4"), TestFixture("2.16.2"), ClientCase(61)]
internal sealed class FakeConformanceTests(string api) : TorrentClientConformance
{
    private readonly TempDirectory _folder = new();
    private readonly LogErrorGuard _log = new();
    private QBittorrentTorrentClient _client = null!;

    protected override ITorrentClient Client => _client;

    protected override string DataFolder => _folder.CreateFolder("data");

    [OneTimeSetUp]
    public void Start()
    {
        var access = new FakeServerOptions { RequireLogin = true };
        var options = new QBittorrentOptions { Url = access.Url, Username = access.Username, Password = access.Password };
        var server = new FakeQBittorrentServer(SimConformanceTests.Model(api, DataFolder), access);
        _client = new QBittorrentTorrentClient(new QBittorrentClient(options, new CookieKeeper(server), loggers: _log), options, _log, TimeProvider.System);
    }

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        await _client.DisposeAsync();
        _folder.Dispose();
        _log.Verify();
        _log.Dispose();
    }
}
