using QbSync.Testing.Specifications;

namespace QbSync.ClientTests;

/// <summary>A destination whose client never comes to have what was sent.</summary>
[Category("Real")]
[Parallelizable(ParallelScope.All)]
internal sealed class SourceFailureTests
{
    [SourceCase(76)]
    [TestCase(10)]
    [TestCase(1)]
    [Category("Long")]
    public async Task ClientThere_FindsNoFilesEachTime_FailedByTagWithinFiveMinutes_NeverSynced(int speed)
    {
        var time = new FastTime(speed);
        await using var lab = await EnginesLab.StartAsync(new EnginesLabOptions
        {
            SourceTime = time,
            ConfigureSource = options => (options.CallTimeout, options.PollInterval) = (TimeSpan.FromSeconds(10 * speed), TimeSpan.FromMilliseconds(200 * speed)),
            ConfigureDestination = static options => options.SavePath = "/nowhere/that the client has/files",
        });
        var torrent = new TorrentBuilder("not found.bin") { Seed = 621, Length = 500_003 }.Build();
        var began = time.GetTimestamp();
        await lab.SeedAsync(torrent);
        var wasSynced = false;
        await lab.Until(
            async () =>
            {
                var here = await lab.FindHereAsync(torrent);
                wasSynced |= here!.Tags.Contains("synced") || (await lab.FindThereAsync(torrent))?.Tags.Contains("synced") == true;
                return here.Tags.Contains("sync-failed");
            },
            TimeSpan.FromMinutes(5),
            torrent,
            "it is tagged as failed");
        TestContext.Out.WriteLine($"{time.GetElapsedTime(began).TotalSeconds:0} s by the engine's clock");
        Assert.That(wasSynced, Is.False);
        Assert.That(lab.Progress(torrent)!.State, Is.EqualTo("Failed"));
        Assert.That((await lab.FindHereAsync(torrent))!.IsActive, Is.True, "it seeds on here");
        if (speed == 1)
        {
            Assert.That(time.GetElapsedTime(began), Is.LessThan(TimeSpan.FromMinutes(5)));
        }
    }
}
