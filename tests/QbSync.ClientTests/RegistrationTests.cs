using System.Diagnostics;
using QbSync.Engine;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.ClientTests;

/// <summary>How a real client comes to have a torrent: by which calls, checked or not, and what it may not do meanwhile.</summary>
[Category("Real")]
[Parallelizable(ParallelScope.Children)]
internal sealed class RegistrationTests
{
    private const int Piece = 16 * 1024;

    [TestCase(false)]
    [TestCase(true, Category = "Long")]
    [ClientCase(33)]
    public async Task Whole_TakenAsVerified_IsStoppedAndCompleteByFewCalls_AndStartsAtOnce(bool isMeasured)
    {
        await using var tracker = new LocalTracker();
        await using var lab = await DestinationLab.StartAsync();

        // The first one of a root is checked; from then on the client is known to read there.
        var first = new TorrentBuilder("first.bin") { Seed = 201 }.Build();
        await lab.CompleteAsync(first, DestinationLab.MakeInit(first));
        Assert.That(lab.Calls.Count(nameof(ITorrentClient.RecheckAsync)), Is.EqualTo(await ChecksByItselfAsync(lab) ? 0 : 1));

        var torrent = new TorrentBuilder("verified.bin") { Length = 3_000_000, Seed = 202, Tracker = tracker.Url }.Build();
        lab.Calls.Clear();
        long asked = 0;
        lab.Calls.Before = method =>
        {
            asked = method == nameof(ITorrentClient.AddAsync) ? Stopwatch.GetTimestamp() : asked;
            return Task.CompletedTask;
        };
        var status = await lab.CompleteAsync(torrent, DestinationLab.MakeInit(torrent));
        var took = Stopwatch.GetElapsedTime(asked);
        var calls = lab.Calls.Counts.Where(static call => call.Key is not (nameof(ITorrentClient.PollAsync) or nameof(ITorrentClient.DescribeAsync))).ToArray();
        TestContext.Out.WriteLine($"{took.TotalSeconds:0.0} s after the add; {string.Join(", ", calls.Select(static call => $"{call.Key} {call.Value}"))}");
        var pieces = await lab.Client.GetPiecesAsync(status.Id, torrent.Manifest.PieceCount, CancellationToken.None);
        var properties = await lab.GetPropertiesAsync(status);
        Assert.Multiple(() =>
        {
            Assert.That((status.State, status.Progress, status.AmountLeft), Is.EqualTo((ClientTorrentState.StoppedUp, 1.0, 0L)));
            Assert.That(pieces.IsFull, Is.True);
            Assert.That(properties.GetProperty("total_downloaded").GetInt64(), Is.Zero);
            Assert.That(lab.Calls.Count(nameof(ITorrentClient.RecheckAsync)), Is.Zero);
            Assert.That(tracker.Announces, Is.Empty);

            // How often it looks for what it waits for is a matter of time; the other calls are not.
            Assert.That(calls.Where(static call => call.Key != nameof(ITorrentClient.GetAsync)).Sum(static call => call.Value), Is.LessThanOrEqualTo(6));
            if (isMeasured)
            {
                Assert.That(calls.Sum(static call => call.Value), Is.LessThanOrEqualTo(10));
                Assert.That(took, Is.LessThan(TimeSpan.FromSeconds(15)));
            }
        });

        Assert.That(await lab.StartSeedingAsync(torrent), Is.InstanceOf<StartOutcome.Started>());
        Assert.That((await lab.FindAsync(torrent))!.State.IsActive(), Is.True);
        Assert.That((await lab.GetPropertiesAsync(status)).GetProperty("total_downloaded").GetInt64(), Is.Zero);
    }

    [Test]
    [ClientCase(34)]
    public async Task RecheckAlways_IsCheckedToTheSameEnd_AndNeverActive()
    {
        await using var lab = await DestinationLab.StartAsync(new DestinationLabOptions { Recheck = RecheckPolicy.Always });
        var torrent = new TorrentBuilder("checked.bin") { Length = 40_000_000, Seed = 203 }.Build();
        using var end = new CancellationTokenSource();
        var states = TraceAsync(lab, torrent, end.Token);
        var status = await lab.CompleteAsync(torrent, DestinationLab.MakeInit(torrent));
        await end.CancelAsync();
        var trace = await states;
        var pieces = await lab.Client.GetPiecesAsync(status.Id, torrent.Manifest.PieceCount, CancellationToken.None);
        var checks = await ChecksByItselfAsync(lab) ? 0 : 1;
        TestContext.Out.WriteLine(string.Join(' ', trace));
        Assert.Multiple(() =>
        {
            Assert.That((status.State, status.Progress, status.AmountLeft), Is.EqualTo((ClientTorrentState.StoppedUp, 1.0, 0L)));
            Assert.That(pieces.IsFull, Is.True);
            Assert.That(lab.Calls.Count(nameof(ITorrentClient.RecheckAsync)), Is.EqualTo(checks));
            Assert.That(lab.Calls.Count(nameof(ITorrentClient.StartAsync)), Is.Zero);
            Assert.That(trace.Except(["checkingDL", "checkingUP", "checkingResumeData", "pausedDL", "stoppedDL", "pausedUP", "stoppedUP"]), Is.Empty);
            Assert.That(trace, Is.Not.Empty);
        });
    }

    [Test]
    [ClientCase(35)]
    public async Task Partial_WithItsPartFile_SeedsWhatItHas_AndWithoutIt_IsRefusedAndNeverStarted()
    {
        await using var lab = await DestinationLab.StartAsync();
        var torrent = Build("with parts", 204);
        var init = DestinationLab.MakeInit(torrent, IsWanted);
        var status = await lab.CompleteAsync(torrent, init);
        Assert.That((status.State, status.Progress, status.AmountLeft), Is.EqualTo((ClientTorrentState.StoppedUp, 1.0, 0L)));
        Assert.That(await lab.StartSeedingAsync(torrent), Is.InstanceOf<StartOutcome.Started>());
        await lab.BecomesAsync(torrent, static now => now.State is ClientTorrentState.StalledUp or ClientTorrentState.Uploading, "it seeds");
        Assert.That((await lab.GetPropertiesAsync(status)).GetProperty("total_downloaded").GetInt64(), Is.Zero);

        var lost = Build("without parts", 205);
        lab.Calls.Clear();
        lab.Calls.Before = method =>
        {
            if (method == nameof(ITorrentClient.AddAsync))
            {
                File.Delete(Path.Combine(lab.Data, $".{lost.Manifest.V1}.parts"));
            }

            return Task.CompletedTask;
        };
        var outcome = await lab.FinalizeAsync(lost, DestinationLab.MakeInit(lost, IsWanted));
        Assert.That((outcome as FinalizeOutcome.Refused)?.Refusal.Reason, Is.EqualTo(RefusalReason.ClientRefused), $"{outcome}");
        Assert.That(lab.Calls.Count(nameof(ITorrentClient.StartAsync)), Is.Zero);
        Assert.That((await lab.FindAsync(lost))!.State, Is.EqualTo(ClientTorrentState.StoppedDl));

        static BuiltTorrent Build(string name, int seed) =>
            new TorrentBuilder(name) { PieceLength = Piece, Seed = seed }.AddFile("a", 100_001).AddFile("b", 40_000).AddFile("c", 77_777).Build();

        static bool IsWanted(TorrentFile file) => file.IsReal && file.Path[^1] == "b";
    }

    [TestCase(RecheckPolicy.Never)]
    [TestCase(RecheckPolicy.Auto, Category = "Long")]
    [ClientCase(42)]
    public async Task SavePath_ThatTheClientDoesNotHave_IsNamedAndNothingIsStarted(RecheckPolicy policy)
    {
        await using var lab = await DestinationLab.StartAsync(new DestinationLabOptions { Recheck = policy, SavePath = static data => data + "/of the client" });
        var torrent = new TorrentBuilder("mapped.bin") { Length = 2_000_000, Seed = 206 }.Build();
        var (added, missing) = (0L, TimeSpan.MaxValue);
        lab.Calls.After = (method, answer) =>
        {
            added = method == nameof(ITorrentClient.AddAsync) ? Stopwatch.GetTimestamp() : added;
            if (missing == TimeSpan.MaxValue && answer is IReadOnlyList<TorrentStatus> seen && seen.Any(static one => one.State == ClientTorrentState.MissingFiles))
            {
                missing = Stopwatch.GetElapsedTime(added);
            }

            return Task.CompletedTask;
        };
        var outcome = await lab.FinalizeAsync(torrent, DestinationLab.MakeInit(torrent));
        var refusal = (outcome as FinalizeOutcome.Refused)?.Refusal;
        TestContext.Out.WriteLine($"{missing} {refusal}");
        Assert.Multiple(() =>
        {
            Assert.That(refusal?.Reason, Is.EqualTo(RefusalReason.ClientMissingFiles), $"{outcome}");
            Assert.That(refusal?.Detail, Does.Contain(lab.Data + "/of the client"));
            Assert.That(lab.Calls.Count(nameof(ITorrentClient.StartAsync)), Is.Zero);
            Assert.That(torrent.FindDifference(lab.Data), Is.Null);
            if (policy == RecheckPolicy.Never)
            {
                Assert.That(missing, Is.Not.EqualTo(TimeSpan.MaxValue), "the client says so itself");
            }
        });
        Assert.That((await lab.FindAsync(torrent))!.State.IsActive(), Is.False);
    }

    /// <summary>Clients cannot agree which invisible letters a name may have; ours is what lies on the disk.</summary>
    [Test]
    [Category("Long")]
    [ClientCase(43)]
    public async Task Name_ThatTheClientSanitisesOtherwise_IsRenamedInTheClientAndChecked()
    {
        await using var lab = await DestinationLab.StartAsync(new DestinationLabOptions { Recheck = RecheckPolicy.Never });
        var torrent = new TorrentBuilder("odd names") { PieceLength = Piece, Seed = 207 }
            .AddFile("zero\u200bwidth.bin", 30_000).AddFile("left\u200eright.bin", 20_000).AddFile("plain.bin", 10_000).Build();
        var ours = torrent.Manifest.Files.Select(static file => string.Join('/', file.Path)).ToArray();
        IReadOnlyList<ClientFile>? first = null;
        lab.Calls.After = (_, answer) =>
        {
            first ??= answer as IReadOnlyList<ClientFile>;
            return Task.CompletedTask;
        };
        var outcome = await lab.FinalizeAsync(torrent, DestinationLab.MakeInit(torrent));
        var differs = !first!.Select(static file => file.Path).SequenceEqual(ours);
        TestContext.Out.WriteLine($"{differs}: {string.Join(", ", first!.Select(static file => Uri.EscapeDataString(file.Path)))}");
        if (differs && !await lab.IsAtLeastAsync("2.8.1"))
        {
            Assert.That((outcome as FinalizeOutcome.Refused)?.Refusal.Reason, Is.EqualTo(RefusalReason.ClientRefused), "this version renames nothing");
            return;
        }

        Assert.That(outcome, Is.InstanceOf<FinalizeOutcome.Complete>(), $"{outcome}");
        var status = (await lab.FindAsync(torrent))!;
        Assert.That((await lab.Client.GetFilesAsync(status.Id, CancellationToken.None)).Select(static file => file.Path), Is.EqualTo(ours));
        Assert.That(
            Directory.EnumerateFiles(Path.Combine(lab.Data, torrent.Name)).Select(path => Path.GetRelativePath(lab.Data, path)), Is.EquivalentTo(ours), "as they were");
        Assert.That((status.State, status.AmountLeft), Is.EqualTo((ClientTorrentState.StoppedUp, 0L)));
        Assert.That(lab.Calls.Count(nameof(ITorrentClient.RecheckAsync)), Is.EqualTo(differs ? 1 : 0));
    }

    /// <summary>4.2 checks what it is given unchecked, though it is stopped; later ones wait to be asked.</summary>
    private static async Task<bool> ChecksByItselfAsync(DestinationLab lab) => !await lab.IsAtLeastAsync("2.8.4");

    /// <summary>The client's words for the torrent every 20 ms, from when it lists it, and once more at the end.</summary>
    private static async Task<List<string>> TraceAsync(DestinationLab lab, BuiltTorrent torrent, CancellationToken end)
    {
        List<string> words = [];
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (true)
        {
            var isLast = end.IsCancellationRequested;
            using var answer = System.Text.Json.JsonDocument.Parse(await lab.Instance.GetAsync($"torrents/info?hashes={torrent.Manifest.V1}", CancellationToken.None));
            foreach (var entry in answer.RootElement.EnumerateArray())
            {
                var word = entry.GetProperty("state").GetString()!;
                if (words.Count == 0 || words[^1] != word)
                {
                    words.Add(word);
                }
            }

            if (isLast)
            {
                return words;
            }

            await timer.WaitForNextTickAsync(CancellationToken.None);
        }
    }
}
