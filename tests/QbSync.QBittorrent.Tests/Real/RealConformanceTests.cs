using QbSync.Ports;
using QbSync.Testing.Clients;
using QbSync.Testing.Specifications;

namespace QbSync.QBittorrent.Tests.Real;

/// <summary>The suite that every torrent client passes, on the real one.</summary>
[Category("Real"), ClientCase(61)]
internal sealed class RealConformanceTests : TorrentClientConformance
{
    private RealClient _real = null!;

    protected override ITorrentClient Client => _real.Client;

    protected override string DataFolder => _real.Instance.SavePath;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _real = await RealClient.StartAsync();
        if (!await _real.IsAtLeastAsync("2.8.18"))
        {
            Assert.Ignore("Before 4.5 a client neither exports nor holds v2 torrents.");
        }
    }

    [OneTimeTearDown]
    public async Task EndAsync() => await _real.DisposeAsync();
}
