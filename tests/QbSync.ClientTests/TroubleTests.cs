using QbSync.Testing.Processes;

namespace QbSync.ClientTests;

/// <summary>What goes wrong between real programs: it is said, nothing is lost, and it heals by itself.</summary>
[Category("Real")]
[Parallelizable(ParallelScope.Children)]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class TroubleTests
{
    private ClientLab _lab = null!;

    [SetUp]
    public async Task SetUp() => _lab = await ClientLab.StartAsync();

    [TearDown]
    public async Task TearDown()
    {
        if (_lab is not null)
        {
            await _lab.DisposeAsync();
        }
    }

    [Test]
    public async Task Source_WrongPassword_OneLoginAndAClearLine()
    {
        var source = _lab.StartSource("--qb-password", "wrong");
        await Eventually.BecomesTrueAsync(
            async () => (await Scrape.TryReadAsync(_lab.SourceHealth))?.Sum("qbsync_qb_api_errors_total", "kind=\"unauthorized\"") > 0,
            expression: "the refusal is counted");

        // Thirty readiness probes and several poll intervals later there is still one login.
        using var http = new HttpClient();
        for (var i = 0; i < 30; i++)
        {
            using var answer = await http.GetAsync(new Uri($"http://127.0.0.1:{_lab.SourceHealth}/readyz"));
            Assert.That((int)answer.StatusCode, Is.EqualTo(503));
        }

        var scrape = await Scrape.TryReadAsync(_lab.SourceHealth);
        Assert.Multiple(() =>
        {
            Assert.That(scrape!.Sum("qbsync_qb_api_calls_total", "operation=\"Login\""), Is.EqualTo(1));
            Assert.That(source.HasExited, Is.False);
        });
        await Eventually.BecomesTrueAsync(() => source.Output.Contains("qb-password", StringComparison.Ordinal));
        Assert.That(await source.TerminateAsync(), Is.Zero, source.Output);
    }

    [Test]
    public async Task Destination_DiskFull_WaitsSaysSoAndGoesOnWhenThereIsRoom()
    {
        var torrent = new TorrentBuilder("waits.bin") { Length = 8 << 20, Seed = 31 }.Build();
        await ClientLab.SeedAsync(_lab.Source, _lab.SourceClient, torrent);
        var full = _lab.StartDestination("--min-free", "1000TiB");
        var source = _lab.StartSource();
        await Eventually.BecomesTrueAsync(() => source.Output.Contains("disk is full", StringComparison.Ordinal), expression: "the source says why it waits");
        Assert.That(Directory.EnumerateFiles(_lab.Destination.SavePath, "*.qbsync-part", SearchOption.AllDirectories), Is.Empty);
        Assert.That(await full.TerminateAsync(), Is.Zero, full.Output);

        _lab.StartDestination();
        await _lab.AllSyncedAsync([torrent]);
        await _lab.AssertSyncedAsync(torrent);
    }

    [Test]
    public async Task Source_StartedBeforeDestinationAndClient_RecoversByItself()
    {
        var torrent = new TorrentBuilder("early.bin") { Length = 4 << 20, Seed = 32 }.Build();
        await ClientLab.SeedAsync(_lab.Source, _lab.SourceClient, torrent);
        var source = _lab.StartSource();
        await Eventually.BecomesTrueAsync(
            async () => (await Scrape.TryReadAsync(_lab.SourceHealth))?.Sum("qbsync_circuit_breaker_trips_total", "component=\"stream_queue\"") > 0,
            expression: "the source has given the destination up for a while");
        Assert.That(source.HasExited, Is.False);

        _lab.StartDestination();
        await _lab.AllSyncedAsync([torrent]);
        await _lab.AssertSyncedAsync(torrent);
    }
}
