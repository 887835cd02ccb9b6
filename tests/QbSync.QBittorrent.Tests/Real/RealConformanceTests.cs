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
    public async Task StartAsync() => _real = await RealClient.StartAsync();

    [Test]
    public async Task Capabilities_AreThoseOfTheVersion()
    {
        var isOfNow = await _real.IsAtLeastAsync("2.8.18");
        Assert.That(
            (Can.RenamesFiles, Can.ExportsManifests, Can.HoldsV2Torrents, Can.TellsBothHashes, Can.KeepsUnselectedFiles),
            Is.EqualTo((isOfNow, isOfNow, isOfNow, isOfNow, isOfNow)));
        Assert.That(Can.LimitsInactivity, Is.EqualTo(await _real.IsAtLeastAsync("2.9.2")));
    }

    [OneTimeTearDown]
    public async Task EndAsync() => await _real.DisposeAsync();
}
