using QbSync.Ports;
using QbSync.Storage.FolderClient;
using QbSync.Testing.Clients;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;

namespace QbSync.Storage.Tests.FolderClient;

[ClientCase(61)]
public sealed class FolderClientConformanceTests : TorrentClientConformance
{
    private readonly LogErrorGuard _logs = new();
    private readonly TempDirectory _folder = new();
    private FolderTorrentClient _client = null!;

    protected override ITorrentClient Client => _client;

    protected override string DataFolder => _folder.CreateFolder("data");

    [OneTimeSetUp]
    public void StartClient() => _client = new FolderTorrentClient(
        new FolderClientOptions { TorrentsDirectory = _folder["torrents"], DataDirectory = DataFolder }, _logs, TimeProvider.System);

    [OneTimeTearDown]
    public async Task StopClient()
    {
        await _client.DisposeAsync();
        _folder.Dispose();
        _logs.Verify();
        _logs.Dispose();
    }
}
