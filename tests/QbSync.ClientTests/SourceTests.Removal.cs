using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.ClientTests;

/// <summary>What becomes of the copy there when people remove a torrent at the source.</summary>
internal sealed partial class SourceTests
{
    [Test]
    [SourceCase(112)]
    [Category("Long")]
    public async Task Removed_HalfStreamed_LeavesNothingThere_AndOthersGoOn()
    {
        var torrent = new TorrentBuilder("removed half way") { Seed = 571, PieceLength = 64 * 1024 }.AddFile("a.bin", 6 * MiB).AddFile("sub/b.bin", 6 * MiB).Build();
        var id = await _lab.DownloadAsync(torrent, Slow);
        await _lab.Until(() => Task.FromResult(_lab.Progress(torrent) is { PiecesDone: > 3 }), null, torrent, "some of it is there");
        await RemoveAsync(id);
        await _lab.Until(
            () => Task.FromResult(_lab.Progress(torrent) is null && _lab.DestinationEngine.Status.Torrents.All(shown => shown.Id != torrent.Id)),
            null,
            torrent,
            "both have forgotten it");
        Assert.Multiple(() =>
        {
            Assert.That(Verbs<AbortRequest>(nameof(IDestination.AbortAsync)).Count(request => request.Id == torrent.Id && request.Cause == AbortCause.RemovedAtSource), Is.GreaterThan(0));
            Assert.That(Everything(_lab.Destination.SavePath).Where(path => path.Contains(torrent.Name, StringComparison.Ordinal) || path.Contains(torrent.Id.ToString()[..16], StringComparison.Ordinal)), Is.Empty);
        });
        Assert.That(await _lab.FindThereAsync(torrent), Is.Null);

        var next = new TorrentBuilder("after the removal.bin") { Seed = 572, Length = 300_000 }.Build();
        await _lab.SeedAsync(next);
        await _lab.SyncedAsync(next);
    }

    [TestCase(false)]
    [TestCase(true)]
    [SourceCase(113)]
    public async Task Removed_WithEverythingThere_IsFinalizedAndActive(bool withItsFiles)
    {
        var torrent = new TorrentBuilder($"removed at the end {withItsFiles}.bin") { Seed = withItsFiles ? 573 : 574, Length = 2_000_003 }.Build();
        var (asked, goOn) = (NewSource(), NewSource());
        _lab.Verbs.Hold(async call =>
        {
            if (call is { Method: nameof(IDestination.FinalizeAsync), Arguments: [_, FinalizeRequest request, ..] } && request.Id == torrent.Id && asked.TrySetResult())
            {
                await goOn.Task;
            }
        });
        var id = await _lab.SeedAsync(torrent);
        await asked.Task.DefaultTimeout();
        await RemoveAsync(id, withItsFiles);
        await Eventually.BecomesTrueAsync(async () => await _lab.FindHereAsync(torrent) is null);
        goOn.SetResult();
        await AssertLeftAsync(torrent);
        Assert.That(Verbs<AbortRequest>(nameof(IDestination.AbortAsync)).Count(request => request.Id == torrent.Id), Is.Zero);
    }

    [TestCase("")]
    [TestCase("keep out")]
    [SourceCase(18)]
    [SourceCase(114)]
    public async Task Removed_Synced_IsActiveAndTaggedThere_AlsoWhenItWasExcluded(string tag)
    {
        var torrent = new TorrentBuilder($"removed when synced {tag}.bin") { Seed = tag.Length > 0 ? 575 : 576, Length = 2_000_003 }.Build();
        var id = await _lab.SeedAsync(torrent);
        await _lab.SyncedAsync(torrent);
        if (tag.Length > 0)
        {
            await _lab.SourceClient.AddTagsAsync([id], [tag], CancellationToken.None);
            var looks = _lab.AtSource.Count(nameof(ITorrentClient.PollAsync));
            await Eventually.BecomesTrueAsync(() => _lab.AtSource.Count(nameof(ITorrentClient.PollAsync)) >= looks + 5);
            Assert.That(_lab.Progress(torrent)!.State, Is.EqualTo("Synced"), "record and copy are kept");
            await _lab.AssertSyncedAsync(torrent);
        }

        await RemoveAsync(id);
        await AssertLeftAsync(torrent);
        Assert.That(Verbs<AbortRequest>(nameof(IDestination.AbortAsync)).Count(request => request.Id == torrent.Id), Is.Zero);
        Assert.That(Verbs<StartRequest>(nameof(IDestination.StartAsync)).Where(request => request.Id == torrent.Id).Select(static request => request.Cause), Is.All.EqualTo(StartCause.RemovedAtSource));
    }

    /// <summary>Complete, active and marked there; forgotten by the source.</summary>
    private async Task AssertLeftAsync(BuiltTorrent torrent)
    {
        TorrentStatus? there = null;
        await _lab.Until(
            async () => (there = await _lab.FindThereAsync(torrent)) is { IsActive: true } && there.Tags.Contains("source-removed") && _lab.Progress(torrent) is null,
            null,
            torrent,
            "it is active and tagged there, and forgotten here");
        Assert.That(there!.IsComplete, Is.True, there.RawState);
        Assert.That(there.Tags, Does.Contain("synced"));
        Assert.That(torrent.FindDifference(_lab.Destination.SavePath), Is.Null);
    }

    private Task RemoveAsync(ClientTorrentId id, bool withFiles = false) => Person.PostAsync(
        _lab.Source, "torrents/delete", ("hashes", id.Value), ("deleteFiles", withFiles ? "true" : "false"));

    private IEnumerable<T> Verbs<T>(string verb) => _lab.Verbs.Of(verb).Select(static call => (T)call.Arguments[1]!);

    private static IEnumerable<string> Everything(string folder) =>
        Directory.EnumerateFileSystemEntries(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 });

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
