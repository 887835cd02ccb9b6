using System.Diagnostics;
using QbSync.Engine;
using QbSync.Engine.Destination.Finalization;
using QbSync.Engine.Shared;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.ClientTests;

/// <summary>What real clients do that could make registering end wrong: stale answers, names of their own, checks that somebody stops, power cuts.</summary>
[Category("Real")]
[Parallelizable(ParallelScope.Children)]
internal sealed partial class RegistrationTroubleTests
{
    private const int Piece = 16 * 1024;

    /// <summary>Settings that a user may have, each of which changes what becomes of an added torrent unless the add says otherwise.</summary>
    private static Dictionary<string, string> MakeUsersSession(string folder) => new()
    {
        ["Session\\TorrentStopCondition"] = "MetadataReceived",
        ["Session\\DisableAutoTMMByDefault"] = "false",
        ["Session\\TempPathEnabled"] = "true",
        ["Session\\TempPath"] = Path.Combine(folder, "unfinished"),
        ["Session\\AddExtensionToIncompleteFiles"] = "true",
        ["Session\\AddTorrentStopped"] = "true",
        ["Session\\AddTorrentPaused"] = "true",
        ["Session\\UseUnwantedFolder"] = "true",
        ["Session\\TorrentContentLayout"] = "Subfolder",
        ["Session\\AddTorrentToTopOfQueue"] = "true",
        ["Downloads\\TempPathEnabled"] = "true",
        ["Downloads\\TempPath"] = Path.Combine(folder, "unfinished"),
        ["Downloads\\UseIncompleteExtension"] = "true",
        ["Downloads\\StartInPause"] = "true",
    };

    [Test]
    [Category("Long")]
    [ClientCase(36)]
    public async Task UsersSettings_OfEveryKind_LeadToTheSameEnds()
    {
        await using var lab = await DestinationLab.StartAsync(new DestinationLabOptions { MakeSession = MakeUsersSession });
        await lab.Instance.PostAsync(
            "torrents/createCategory", new Dictionary<string, string> { ["category"] = "linux", ["savePath"] = Path.Combine(lab.Data, "of the category") }, CancellationToken.None);
        var whole = new TorrentBuilder("settings.bin") { Length = 2_000_000, Seed = 221 }.Build();
        var status = await lab.CompleteAsync(whole, DestinationLab.MakeInit(whole));
        await AssertEndAsync(lab, whole, status, static _ => true);

        var part = new TorrentBuilder("settings") { PieceLength = Piece, Seed = 222 }.AddFile("a", 100_001).AddFile("b", 40_000).AddFile("c", 77_777).Build();
        var init = DestinationLab.MakeInit(part, static file => file.IsReal && file.Path[^1] == "b");
        if (!await lab.IsAtLeastAsync("2.8.4"))
        {
            var refused = await lab.InitAsync(init);
            Assert.That((refused as InitOutcome.Refused)?.Refusal.Reason, Is.EqualTo(RefusalReason.Unsupported), $"{refused}");
            Assert.That((refused as InitOutcome.Refused)?.Refusal.Detail, Does.Contain("unfinished"));
            return;
        }

        status = await lab.CompleteAsync(part, init);
        await AssertEndAsync(lab, part, status, static file => file.Path[^1] == "b");
    }

    [TestCase(false, Category = "Long")]
    [TestCase(true)]
    [ClientCase(37)]
    public async Task Client_KilledBetweenSelectionAndCheck_LeavesOurFilesUnderTheirFinalNames(bool engineToo)
    {
        await using var lab = await DestinationLab.StartAsync(
            new DestinationLabOptions { MakeSession = static _ => new() { ["Session\\AddExtensionToIncompleteFiles"] = "true" } });
        var torrent = new TorrentBuilder("cut off") { PieceLength = Piece, Seed = 223 }
            .AddFile("a", 100_001).AddFile("b", 40_000).AddFile("c", 77_777).AddFile("d", 200_000).Build();
        var init = DestinationLab.MakeInit(torrent, IsWanted);
        var open = (InitOutcome.Open)await lab.InitAsync(init);
        Selection.TryFromBytes(torrent.Manifest, init.Selection.Span, out var selection);
        await lab.SendAsync(torrent, selection!, open);
        var (killed, inodes, names) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new Dictionary<string, ulong>(), "");
        lab.Calls.Before = async method =>
        {
            if (method == nameof(ITorrentClient.RecheckAsync) && !killed.Task.IsCompleted)
            {
                // A tick later at the latest a client that renames has done so.
                var found = (await lab.FindAsync(torrent))!;
                using var tick = new PeriodicTimer(TimeSpan.FromSeconds(2));
                await tick.WaitForNextTickAsync();
                await lab.KillClientAsync();

                // From now on nobody gives them other names.
                names = string.Join(' ', Directory.EnumerateFiles(Path.Combine(lab.Data, "cut off")).Select(Path.GetFileName).Order());
                foreach (var file in torrent.Files.Where(static file => file.Path[^1] is "b" or "d"))
                {
                    var path = Path.Combine(lab.Data, file.RelativePath);
                    inodes[file.RelativePath] = ReadInode(File.Exists(path) ? path : path + ".!qB");
                }

                if (!engineToo)
                {
                    await lab.StartClientAgainAsync();
                }

                killed.SetResult();
            }
        };
        var finalizing = lab.FinalizeAsync(torrent, init);
        if (engineToo)
        {
            await killed.Task.DefaultTimeout();
            var sent = lab.Sent[torrent.Id];
            await lab.RestartAsync();
            await lab.StartClientAgainAsync();
            Assert.That(await lab.FinalizeAsync(torrent, init), Is.InstanceOf<FinalizeOutcome.Complete>());
            Assert.That(lab.Sent[torrent.Id], Is.EqualTo(sent), "nothing was sent twice");
            await Task.WhenAny(finalizing);
        }
        else
        {
            Assert.That(await finalizing, Is.InstanceOf<FinalizeOutcome.Complete>());
        }

        TestContext.Out.WriteLine($"At the kill: {names}");
        await AssertEndAsync(lab, torrent, (await lab.FindAsync(torrent))!, static file => file.Path[^1] is "b" or "d");
        Assert.That(inodes.Keys.Select(path => ReadInode(Path.Combine(lab.Data, path))), Is.EqualTo(inodes.Values), "the files that we wrote, not copies");

        static bool IsWanted(TorrentFile file) => file.IsReal && file.Path[^1] is "b" or "d";
    }

    [Test]
    [ClientCase(38)]
    public async Task Check_OfACorruptTorrent_IsNeverJudgedByAnAnswerFromBeforeIt()
    {
        await using var lab = await DestinationLab.StartAsync();
        await using var readBack = new ReadBack(lab.Client, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<ReadBack>.Instance);
        var check = new ClientCheck(lab.Client, readBack, static () => false, TimeSpan.FromMinutes(1), TimeProvider.System);
        var torrent = new TorrentBuilder("corrupt.bin") { Length = 4_000_000, Seed = 224 }.Build();
        torrent.WriteContent(lab.Data);
        await lab.Client.AddAsync(new AddTorrentRequest { Torrent = torrent.Bytes, SavePath = lab.Data, SkipCheck = true }, CancellationToken.None);
        var good = await lab.BecomesAsync(torrent, static now => now.IsComplete && now.State.IsStopped(), "it is taken as whole");
        var layout = new PieceLayout(torrent.Manifest, Selection.All(torrent.Manifest));
        await FlipByteAsync(Path.Combine(lab.Data, torrent.Files[0].RelativePath), 2_000_000);

        var stale = 0;
        for (var i = 0; i < 2; i++)
        {
            var looks = new List<TorrentStatus>();
            var running = check.RunAsync(good, layout, static _ => { }, CancellationToken.None);
            while (!running.IsCompleted && looks.Count < 5)
            {
                looks.AddRange(await lab.Client.GetAsync([good.Id], CancellationToken.None));
            }

            stale += looks.Count(static look => look is { IsComplete: true } && look.State.IsStopped());
            var end = await running.DefaultTimeout();
            Assert.That(end.IsGood, Is.False, $"{end.Status}");
            Assert.That(end.IsStuck, Is.False);
            Assert.That(end.Status!.AmountLeft, Is.GreaterThan(0), end.Status.RawState);
        }

        TestContext.Out.WriteLine($"{stale} answers showed it whole after the check was asked for.");
        await FlipByteAsync(Path.Combine(lab.Data, torrent.Files[0].RelativePath), 2_000_000);
        Assert.That((await check.RunAsync(good, layout, static _ => { }, CancellationToken.None).DefaultTimeout()).IsGood, Is.True);
    }

    [Test]
    [ClientCase(38)]
    public async Task Check_ThatAUserStops_IsAskedForOnceMore()
    {
        await using var lab = await DestinationLab.StartAsync(new DestinationLabOptions { Recheck = RecheckPolicy.Always });
        var torrent = new TorrentBuilder("stopped check.bin") { Length = 60_000_000, Seed = 225 }.Build();
        var stopped = false;
        lab.Calls.After = async (method, _) =>
        {
            if (method == nameof(ITorrentClient.RecheckAsync) && !stopped)
            {
                stopped = true;
                var id = (await lab.FindAsync(torrent))!.Id;
                await lab.Client.StopAsync([id], whileChecking: true, CancellationToken.None);
            }
        };
        var status = await lab.CompleteAsync(torrent, DestinationLab.MakeInit(torrent));
        TestContext.Out.WriteLine($"{lab.Calls.Count(nameof(ITorrentClient.RecheckAsync))} checks");
        await AssertEndAsync(lab, torrent, status, static _ => true);
        Assert.That(lab.Calls.Count(nameof(ITorrentClient.RecheckAsync)), Is.LessThanOrEqualTo(2));
    }

    [TestCase(false)]
    [TestCase(true, Category = "Long")]
    [ClientCase(39)]
    public async Task WrongByte_ThatAPeerAsksFor_IsStoppedBeforeAnythingIsWritten(bool isMeasured)
    {
        await using var lab = await DestinationLab.StartAsync(new DestinationLabOptions { Recheck = RecheckPolicy.Never });
        var torrent = new TorrentBuilder("wrong byte.bin") { Length = 6_000_000, Seed = 226 }.Build();
        var init = DestinationLab.MakeInit(torrent);
        await lab.CompleteAsync(torrent, init);
        var path = Path.Combine(lab.Data, torrent.Files[0].RelativePath);
        await FlipByteAsync(path, 3_000_000);
        var before = await HashAsync(path);
        Assert.That(await lab.StartSeedingAsync(torrent), Is.InstanceOf<StartOutcome.Started>());

        byte[]? atStop = null;
        long downloading = 0;
        var stopTook = TimeSpan.MaxValue;
        lab.Calls.After = async (method, answer) =>
        {
            switch (answer)
            {
                case ClientUpdate update when downloading == 0 && update.Torrents.Any(static one => one.Side == TorrentSide.Downloading):
                    downloading = Stopwatch.GetTimestamp();
                    break;
                case IReadOnlyList<TorrentStatus> seen when downloading > 0 && stopTook == TimeSpan.MaxValue && seen.Any(static one => one.State.IsStopped()):
                    stopTook = Stopwatch.GetElapsedTime(downloading);
                    atStop = await HashAsync(path);
                    break;
            }
        };
        var peer = await lab.StartPeerAsync("peer");
        await using var peerClient = lab.Connect(peer);
        await peerClient.AddAsync(new AddTorrentRequest { Torrent = torrent.Bytes, SavePath = peer.SavePath }, CancellationToken.None);
        await Eventually.BecomesTrueAsync(async () => (await peerClient.FindAsync(torrent.Manifest.V1, default, CancellationToken.None))?.State.IsStopped() == true);
        var id = (await peerClient.FindAsync(torrent.Manifest.V1, default, CancellationToken.None))!.Id;
        await peerClient.StartAsync([id], force: true, CancellationToken.None);
        await Person.TellAsync(peer, id, lab.Instance, () => Task.FromResult(atStop is not null), "the engine has stopped it");
        TestContext.Out.WriteLine($"Stopped {stopTook.TotalSeconds:0.0} s after it was seen downloading.");
        Assert.That(atStop, Is.EqualTo(before), "not a byte of ours was overwritten");
        if (isMeasured)
        {
            Assert.That(stopTook, Is.LessThan(TimeSpan.FromSeconds(15)));
        }

        Assert.That(lab.Logs.Entries.Any(entry => entry.Id.Name == "TorrentEnteredDownload"), Is.True);

        // A source deletes on a proof alone, and gets none.
        var proof = await lab.UntilAsync<ProveOutcome>(
            async () => await lab.Engine.ProveAsync(
                DestinationLab.Caller, new ProveRequest(torrent.Id, new byte[] { 1 }, Selection.All(torrent.Manifest).Fingerprint(torrent.Id)), CancellationToken.None),
            static outcome => outcome is not ProveOutcome.Running);
        Assert.That(proof, Is.Not.InstanceOf<ProveOutcome.Proven>());
    }

    /// <summary>A client without the right to read others' files: as another user where the test may make one, else no right for anybody.</summary>
    [Test]
    [ClientCase(40)]
    public async Task Files_ThatTheClientMayNotRead_AreFoundByTheFirstCheck_AndNothingIsHandedOff()
    {
        if (Environment.IsPrivilegedProcess && !File.Exists("/usr/bin/setpriv"))
        {
            Assert.Ignore("There is no setpriv to start a client with fewer rights.");
        }

        await using var lab = await DestinationLab.StartAsync(new DestinationLabOptions { WrapExecutable = DropRights });
        var torrent = new TorrentBuilder("private.bin") { Length = 2_000_000, Seed = 227 }.Build();
        var path = Path.Combine(lab.Data, torrent.Files[0].RelativePath);
        lab.Calls.Before = async method =>
        {
            if (method == nameof(ITorrentClient.AddAsync))
            {
                if (Environment.IsPrivilegedProcess)
                {
                    await RunAsync("chown", "65534", path);
                }

                await RunAsync("chmod", Environment.IsPrivilegedProcess ? "600" : "000", path);
            }
        };
        var outcome = await lab.FinalizeAsync(torrent, DestinationLab.MakeInit(torrent));
        var refusal = (outcome as FinalizeOutcome.Refused)?.Refusal;
        TestContext.Out.WriteLine($"{refusal}");
        Assert.Multiple(() =>
        {
            Assert.That(refusal?.Reason, Is.EqualTo(RefusalReason.ClientMissingFiles), $"{outcome}");
            Assert.That(refusal?.Detail, Does.Contain(lab.Data).And.Contain("It says:"));
            Assert.That(lab.Calls.Count(nameof(ITorrentClient.StartAsync)), Is.Zero);
        });
        Assert.That(await lab.StartSeedingAsync(torrent), Is.InstanceOf<StartOutcome.Refused>());
        await RunAsync("chmod", "600", path);
    }

    [TestCase(nameof(ITorrentClient.AddAsync), true, Category = "Long")]
    [TestCase(nameof(ITorrentClient.RecheckAsync), true)]
    [TestCase(nameof(ITorrentClient.GetPiecesAsync), false, Category = "Long")]
    [ClientCase(47)]
    public async Task Client_KilledAfterTheAddInTheCheckAndAfterIt_HasOneEntryOnTheSeedingSide(string at, bool after)
    {
        await using var lab = await DestinationLab.StartAsync();
        var torrent = new TorrentBuilder("power cut") { PieceLength = Piece, Seed = 228 }.AddFile("a", 5_000_001).AddFile("b", 400_000).AddFile("c", 77_777).Build();
        var killed = false;
        lab.Calls.Before = method => after ? Task.CompletedTask : KillAsync(method);
        lab.Calls.After = (method, _) => after ? KillAsync(method) : Task.CompletedTask;
        var status = await lab.CompleteAsync(torrent, DestinationLab.MakeInit(torrent, static file => file.IsReal && file.Path[^1] is "a" or "b"));
        Assert.That(killed, Is.True);
        await AssertEndAsync(lab, torrent, status, static file => file.Path[^1] is "a" or "b");
        using var list = System.Text.Json.JsonDocument.Parse(await lab.Instance.GetAsync("torrents/info", CancellationToken.None));
        Assert.That(list.RootElement.GetArrayLength(), Is.EqualTo(1));

        async Task KillAsync(string method)
        {
            if (method == at && !killed)
            {
                killed = true;
                await lab.KillClientAsync();
                await Eventually.BecomesTrueAsync(() => lab.Engine.Status.ClientOk == false);
                await lab.StartClientAgainAsync();
            }
        }
    }
}
