using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Storage.Tests.Pieces;

/// <summary>Other selections, places and names while a torrent is here.</summary>
public sealed class ReshapingTests
{
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp() => _rig = new StoreRig();

    [TearDown]
    public async Task TearDown() => await _rig.DisposeAsync();

    [Test]
    public async Task EnlargedSelection_KeepsWhatBoundaryPiecesBrought_AndLacksOnlyTheRest()
    {
        var torrent = Four();
        var storage = await _rig.StartAndOpenAsync(torrent, IsNamed("b"));
        StoreRig.SendAll(storage, torrent);
        var held = storage.HeldPieces;
        var epoch = storage.Epoch;
        storage = await ReshapeAsync(storage, StoreRig.Request(torrent, IsNamed("b", "c")));
        Assert.That((storage.Epoch, storage.HeldPieces, storage.DeferredPieces), Is.EqualTo((epoch + 1, held, 0)));
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data, IsBuilt("b", "c")), Is.Null);
        Assert.That(Directory.GetFiles(_rig.Folder["data", "four"]).Select(Path.GetFileName).Order(), Is.EqualTo(new[] { "b", "c" }));
    }

    [Test]
    public async Task ReducedSelection_DropsPartials_AndKeepsEdgesAndPublishedFiles()
    {
        var torrent = Four();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.SendAll(storage, torrent);
        await storage.VerifyFileAsync(0, null, default).DefaultTimeout();
        Assert.That(await storage.PublishFilesAsync([0], default).DefaultTimeout(), Is.Null);
        storage = await ReshapeAsync(storage, StoreRig.Request(torrent, IsNamed("b")));
        Assert.That(storage.Layout.IsComplete(storage.CopyHave()), Is.True, "edges are kept aside");
        Assert.That(_rig.ListPartials(), Has.Length.EqualTo(1));
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data, IsBuilt("a", "b")), Is.Null);
        storage = await ReshapeAsync(storage, StoreRig.Request(torrent, IsNamed("a", "b")));
        Assert.That((storage.Layout.IsComplete(storage.CopyHave()), storage.IsPublished(0), storage.IsPublished(1)), Is.EqualTo((true, true, true)));
    }

    [Test]
    public async Task APublishedFileThatChangedWhileUnselected_IsInTheWayWhenItIsWantedAgain()
    {
        var torrent = Four();
        var storage = await _rig.StartAndOpenAsync(torrent, IsNamed("a", "b"));
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        storage = await ReshapeAsync(storage, StoreRig.Request(torrent, IsNamed("b")));
        var path = _rig.Folder["data", torrent.Files[0].RelativePath];
        var bytes = File.ReadAllBytes(path);
        bytes[20_000] ^= 1;
        File.WriteAllBytes(path, bytes);
        var outcome = await _rig.Store.ReshapeAsync(storage, StoreRig.Request(torrent, IsNamed("a", "b")), default).DefaultTimeout();
        storage = outcome.Storage!;
        Assert.That((await storage.SettleAsync(null, default).DefaultTimeout()).Conflict?.Reason, Is.EqualTo(RefusalReason.PathConflict));
        Assert.That(File.ReadAllBytes(path), Is.EqualTo(bytes));
    }

    [Test]
    public async Task WhatCannotBeReserved_IsRefused_AndNothingHasChanged()
    {
        var torrent = Four();
        var other = new TorrentBuilder("other") { Length = 300_000, Seed = 9 }.Build();
        var storage = await _rig.StartAndOpenAsync(torrent, IsNamed("b"));
        StoreRig.Send(storage, torrent, 8);
        await _rig.OpenAsync(other);
        var files = Directory.GetFileSystemEntries(_rig.Data, "*", SearchOption.AllDirectories);
        var taken = StoreRig.Request(torrent, IsNamed("b")) with { FileNames = [.. torrent.Manifest.Files.Select(file => file.Path[^1] == "b" ? ["other"] : file.Path)] };
        await CheckRefusedAsync(storage, torrent, taken, RefusalReason.PathConflict);
        await CheckRefusedAsync(storage, torrent, taken with { FileNames = [.. torrent.Manifest.Files.Select(_ => (string[])["..", "x"])] }, RefusalReason.PathRefused);
        Directory.CreateDirectory(_rig.Folder["data", "elsewhere", "four"]);
        File.WriteAllText(_rig.Folder["data", "elsewhere", "four", "c"], "theirs");
        await CheckRefusedAsync(storage, torrent, StoreRig.Request(torrent, IsNamed("b", "c"), "elsewhere"), RefusalReason.PathConflict);
        File.Delete(_rig.Folder["data", "elsewhere", "four", "c"]);
        Directory.Delete(_rig.Folder["data", "elsewhere"], recursive: true);
        Assert.That(Directory.GetFileSystemEntries(_rig.Data, "*", SearchOption.AllDirectories), Is.EqualTo(files));
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
    }

    [Test]
    [DestinationCase(121)]
    public async Task AnotherPlace_TakesPartialsAndFinalFilesAlong_AndFreesTheOldPaths()
    {
        var torrent = Four();
        var storage = await _rig.StartAndOpenAsync(torrent, null, "old");
        StoreRig.SendAll(storage, torrent, except: [1, 20]);
        await storage.VerifyFileAsync(1, null, default).DefaultTimeout();
        await storage.PublishFilesAsync([1], default).DefaultTimeout();
        var held = storage.HeldPieces;
        var next = StoreRig.Request(torrent, null, "new", "deep") with
        {
            FileNames = [.. torrent.Manifest.Files.Select(file => file.Path[^1] == "b" ? ["four", "renamed", "bb"] : file.Path)],
        };
        storage = await ReshapeAsync(storage, next);
        Assert.That((storage.HeldPieces, storage.IsPublished(1)), Is.EqualTo((held, true)));
        Assert.That(Directory.Exists(_rig.Folder["data", "old"]), Is.False, "own empty folders go");
        await _rig.OpenAsync(new TorrentBuilder("four") { Seed = 7 }.AddFile("b", 100_000).Build(), null, "old");
        storage = (await _rig.RestartAsync()).Single(one => one.Request.Manifest.Id == torrent.Id);
        Assert.That((storage.HeldPieces, storage.IsPublished(1)), Is.EqualTo((held, true)));
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        File.Move(_rig.Folder["data", "new", "deep", "four", "renamed", "bb"], _rig.Folder["data", "new", "deep", "four", "b"]);
        Assert.That(torrent.FindDifference(_rig.Folder["data", "new", "deep"]), Is.Null);
    }

    [Test]
    [DestinationCase(121)]
    public async Task AFileOfOthersAtTheNewPlace_SendsEverythingBack()
    {
        var torrent = Four();
        var storage = await _rig.StartAndOpenAsync(torrent, null, "old");
        StoreRig.SendAll(storage, torrent);
        foreach (var file in new[] { 0, 1, 2 })
        {
            await storage.VerifyFileAsync(file, null, default).DefaultTimeout();
        }

        await storage.PublishFilesAsync([0, 1], default).DefaultTimeout();
        Directory.CreateDirectory(_rig.Folder["data", "new", "four"]);
        File.WriteAllText(_rig.Folder["data", "new", "four", "b"], "theirs");
        await CheckRefusedAsync(storage, torrent, StoreRig.Request(torrent, null, "new"), RefusalReason.PathConflict);
        Assert.That(File.ReadAllText(_rig.Folder["data", "new", "four", "b"]), Is.EqualTo("theirs"));
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Folder["data", "old"]), Is.Null);
    }

    [Test]
    [DestinationCase(121)]
    public async Task AMoveThatTheFileSystemRefuses_LeavesTheOldPlace()
    {
        var torrent = Four();
        var storage = await _rig.StartAndOpenAsync(torrent, null, "old");
        StoreRig.SendAll(storage, torrent);
        var renames = 0;
        _rig.Files.Fault = call => call.Operation == "RenameNew" && ++renames == 3 ? new StorageException(StorageFault.PathRefused, "Invalid cross-device link.") : null;
        await CheckRefusedAsync(storage, torrent, StoreRig.Request(torrent, null, "new"), RefusalReason.PathRefused);
        _rig.Files.Fault = null;
        Assert.That(Directory.Exists(_rig.Folder["data", "new"]), Is.False);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Folder["data", "old"]), Is.Null);
    }

    [Test]
    [DestinationCase(119)]
    public async Task ACrashAtEachStepOfASelectionChange_LeavesTheOldOrTheNewOne_NeverAMixture()
    {
        var old = 0;
        for (var step = 1; await CrashAtAsync(step, torrent => StoreRig.Request(torrent, IsNamed("a", "c"))); step++)
        {
            old++;
        }

        Assert.That(old, Is.GreaterThan(10));
    }

    [Test]
    [DestinationCase(121)]
    public async Task ACrashAtEachStepOfAMove_EndsAtOnePlace()
    {
        var steps = 0;
        for (var step = 1; await CrashAtAsync(step, torrent => StoreRig.Request(torrent, IsNamed("a", "b"), "new")); step++)
        {
            steps++;
        }

        Assert.That(steps, Is.GreaterThan(20));
    }

    /// <summary>Crashes before the call of this number in a reshaping. False when there are fewer calls.</summary>
    private async Task<bool> CrashAtAsync(int step, Func<BuiltTorrent, StoreRequest> change)
    {
        await using var rig = new StoreRig();
        var torrent = Four();
        var storage = await rig.StartAndOpenAsync(torrent, IsNamed("a", "b"));
        StoreRig.SendAll(storage, torrent);
        await storage.VerifyFileAsync(0, null, default).DefaultTimeout();
        await storage.PublishFilesAsync([0], default).DefaultTimeout();
        var next = change(torrent);
        var calls = 0;
        rig.Files.Fault = _ =>
        {
            if (Interlocked.Increment(ref calls) == step)
            {
                rig.Files.Crash();
            }

            return null;
        };
        var isOver = false;
        try
        {
            var outcome = await rig.Store.ReshapeAsync(storage, next, default).DefaultTimeout();
            isOver = outcome.Storage is not null && calls < step;
            if (isOver)
            {
                rig.Files.Fault = null;
                storage = outcome.Storage!;
            }
        }
        catch (Exception exception) when (exception is StorageException or ObjectDisposedException)
        {
            // The crash.
        }

        if (!isOver)
        {
            rig.Files.Fault = null;
            storage = (await rig.CrashAndStartAsync())[0];
            Assert.That(storage.Request.Selection, Is.EqualTo(next.Selection).Or.EqualTo(StoreRig.Request(torrent, IsNamed("a", "b")).Selection), $"step {step}");
        }

        await storage.SettleAsync(null, default).DefaultTimeout();
        var have = storage.CopyHave();
        foreach (var file in torrent.Manifest.Files.Where(file => storage.Layout.Selection.IsSelected(file.Index)))
        {
            await storage.VerifyFileAsync(file.Index, null, default).DefaultTimeout();
        }

        Assert.That(storage.CopyHave().ContentEquals(have), Is.True, $"step {step}: a bit without its bytes");
        Assert.That(storage.HeldPieces, Is.GreaterThanOrEqualTo(storage.Layout.Selection.IsSelected(1) ? storage.Layout.SelectedPieceCount : 8), $"step {step}: nothing received is lost");
        var wanted = next.Selection;
        if (!storage.Request.Selection.Equals(wanted) || !storage.Request.Place.SubPath.SequenceEqual(next.Place.SubPath))
        {
            storage = (await rig.Store.ReshapeAsync(storage, next, default).DefaultTimeout()).Storage!;
            await storage.SettleAsync(null, default).DefaultTimeout();
        }

        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        var root = Path.Combine([rig.Data, .. next.Place.SubPath]);
        Assert.That(torrent.FindDifference(root, built => wanted.IsSelected(torrent.Files.ToList().IndexOf(built))), Is.Null, $"step {step}");
        Assert.That(rig.ListPartials(), Is.Empty, $"step {step}");
        return !isOver;
    }

    private async Task CheckRefusedAsync(ITorrentStorage storage, BuiltTorrent torrent, StoreRequest next, RefusalReason reason)
    {
        var (have, epoch) = (storage.CopyHave(), storage.Epoch);
        var outcome = await _rig.Store.ReshapeAsync(storage, next, default).DefaultTimeout();
        Assert.That((outcome.Refusal?.Reason, outcome.Storage), Is.EqualTo((reason, (ITorrentStorage?)null)));
        Assert.That((storage.CopyHave().ContentEquals(have), storage.Epoch), Is.EqualTo((true, epoch)));
        Assert.That(storage.Begin(0, out var transfer), Is.Not.EqualTo(PieceAckStatus.NotOpen), torrent.Name);
        transfer?.Dispose();
    }

    private async Task<ITorrentStorage> ReshapeAsync(ITorrentStorage storage, StoreRequest next)
    {
        var outcome = await _rig.Store.ReshapeAsync(storage, next, default).DefaultTimeout();
        Assert.That(outcome.Refusal, Is.Null);
        Assert.That(storage.Begin(0, out _), Is.EqualTo(PieceAckStatus.NotOpen).Or.EqualTo(PieceAckStatus.Malformed));
        var settled = await outcome.Storage!.SettleAsync(null, default).DefaultTimeout();
        Assert.That((settled.Conflict, settled.IsWaiting), Is.EqualTo(((Refusal?)null, false)));
        return outcome.Storage;
    }

    private static Func<TorrentFile, bool> IsNamed(params string[] names) => file => names.Contains(file.Path[^1]);

    private static Func<BuiltFile, bool> IsBuilt(params string[] names) => file => names.Contains(file.Path[^1]);

    private static BuiltTorrent Four() => new TorrentBuilder("four") { PieceLength = 16_384 }
        .AddFile("a", 100_000)
        .AddFile("b", 100_000)
        .AddFile("c", 100_000)
        .AddFile("d", 100_000)
        .Build();
}
