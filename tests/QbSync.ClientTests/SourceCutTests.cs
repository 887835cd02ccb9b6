using QbSync.Engine;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.ClientTests;

/// <summary>A source that dies between every two steps of a handover with real clients, just before and just after each is named in the journal.</summary>
[Category("Long")]
internal sealed class SourceCutTests
{
    private EnginesLab _lab = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _lab = await EnginesLab.StartAsync(new EnginesLabOptions
    {
        ConfigureSource = static options =>
        {
            options.Handoff.Mode = HandoffMode.Seeded;
            options.Handoff.MinSeedingTime = TimeSpan.Zero;
            options.Handoff.DeleteGrace = TimeSpan.FromSeconds(1);
        },
    });

    [TearDown]
    public void LookAtClients() => _lab.AssertClientsRun();

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        if (_lab is not null)
        {
            await _lab.DisposeAsync();
        }
    }

    [SourceCase(89)]
    [Test, Combinatorial]
    public async Task Source_CutOffBetweenTwoSteps_OneSideSeedsAndItLeavesInTheEnd([Range(1, 9)] int step, [Values] bool afterItsName)
    {
        var torrent = new TorrentBuilder($"cut off {step} {afterItsName}") { Seed = 900 + (2 * step) + (afterItsName ? 1 : 0), Tracker = _lab.Tracker.Url }
            .AddFile("a.bin", 300_001).AddFile("b.bin", 200_000).Build();
        var (named, isCut) = (0, NewSource());
        Func<PortCall, Task> count = async call =>
        {
            if (call is { Method: nameof(IDurableRecords.WriteAsync), Arguments: [string name, ..] } && name.StartsWith("handoff/", StringComparison.Ordinal)
                && Interlocked.Increment(ref named) == step)
            {
                isCut.TrySetResult();

                // For good: who wrote it is dead.
                await new TaskCompletionSource().Task;
            }
        };
        if (afterItsName)
        {
            _lab.Records.Follow(count);
        }
        else
        {
            _lab.Records.Hold(count);
        }

        await _lab.SeedAsync(torrent);
        await isCut.Task.DefaultTimeout();
        await _lab.CrashSourceAsync();
        var (here, there) = (await _lab.FindHereAsync(torrent), await _lab.FindThereAsync(torrent));
        TestContext.Out.WriteLine($"{here?.RawState ?? "gone"} here, {there?.RawState ?? "none"} there");
        Assert.That(here is { IsActive: true } && there is { IsActive: true }, Is.False);
        if (here is null)
        {
            Assert.That(torrent.FindDifference(_lab.Destination.SavePath), Is.Null);
        }

        _lab.StartSource();
        TorrentStatus? left = null;
        await _lab.Until(
            async () => await _lab.FindHereAsync(torrent) is null
                && (left = await _lab.FindThereAsync(torrent)) is { IsActive: true, IsComplete: true } && left.Tags.Contains("source-removed"),
            TimeSpan.FromMinutes(4),
            torrent,
            "it has left");
        await _lab.Tracker.AssertComesToAsync(_lab.Destination.PeerAddress.Port, torrent);
        _lab.Tracker.AssertExclusive(torrent);
        Assert.That(torrent.FindDifference(_lab.Destination.SavePath), Is.Null);
        await Eventually.BecomesTrueAsync(() => !Path.Exists(Path.Combine(_lab.Source.SavePath, torrent.Name)));
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
