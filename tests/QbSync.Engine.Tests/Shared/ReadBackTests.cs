using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using QbSync.Engine.Shared;
using QbSync.Engine.Tests.Destination;
using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Ports;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Shared;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ReadBackTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(250);

    private readonly FakeTimeProvider _time = new();
    private readonly LogErrorGuard _log = new();
    private RigDisk _disk = null!;
    private ScriptedClient _client = null!;
    private ReadBack _readBack = null!;

    private ClientTorrentId Id => _client.Only!.Id;

    [SetUp]
    public void SetUp()
    {
        _disk = new RigDisk();
        _client = new ScriptedClient(_disk, _time);
        _client.Plant(DestinationSyncTests.Single.Manifest, "/data", ClientTorrentState.StalledUp, 1);
        _readBack = new ReadBack(_client, _time, _log.CreateLogger<ReadBack>());
    }

    [TearDown]
    public async Task TearDown()
    {
        await _readBack.DisposeAsync().DefaultTimeout();
        _disk.Dispose();
        _log.Verify();
        _log.Dispose();
    }

    [Test]
    public async Task Until_AChangeShows_EndsWithWhatWasSeen()
    {
        await _client.StopAsync([Id], false, default);
        var (held, seen) = await DriveAsync(_readBack.UntilAsync(ClientChange.Stop, Id, static status => status!.IsStopped, default));
        Assert.That((held, seen!.State), Is.EqualTo((true, ClientTorrentState.StoppedUp)));
        Assert.That(_log.Entries, Is.Empty);
    }

    [Test]
    public async Task Until_Looks_AfterATenthAQuarterThenEveryHalfSecond()
    {
        var began = _time.GetTimestamp();
        List<double> asked = [];
        var waiting = _readBack.UntilAsync(
            ClientChange.AddTags,
            Id,
            (_, at) =>
            {
                asked.Add(_time.GetElapsedTime(began, at).TotalMilliseconds);
                return asked.Count == 5;
            },
            default);
        await DriveAsync(waiting);
        Assert.That(asked, Has.Count.EqualTo(5).And.Ordered);
        Assert.That(asked[^1], Is.InRange(1750, 3000), "the clock moves in quarters of a second");
    }

    [TestCase(20, true)]
    [TestCase(90, false)]
    [ClientCase(32)]
    public async Task Until_ADeleteThatLags_IsWaitedFor(int seconds, bool expected)
    {
        _client.DeleteLag = TimeSpan.FromSeconds(seconds);
        var (id, began) = (Id, _time.GetTimestamp());
        await _client.DeleteAsync([id], false, default);
        var (held, seen) = await DriveAsync(_readBack.UntilAsync(ClientChange.Delete, id, static status => status is null, default));
        Assert.That((held, seen is null), Is.EqualTo((expected, expected)));
        Assert.That(_time.GetElapsedTime(began).TotalSeconds, Is.InRange(expected ? 20 : 60, expected ? 30 : 70));
    }

    [Test]
    [ClientCase(28)]
    public async Task Until_AnIgnoredChange_EndsInItsBoundAndNamesTheVerb()
    {
        (_client.IgnoresChanges, _client.IgnoresAdds) = (true, true);
        var id = Id;
        var began = _time.GetTimestamp();
        var ends = await DriveAsync(Task.WhenAll(Waits(id).Select(async wait =>
        {
            var held = await wait.Run();
            return (wait.Change, held, Elapsed: _time.GetElapsedTime(began));
        })));
        foreach (var (change, held, elapsed) in ends)
        {
            Assert.That(held, Is.False, change.Verb);
            Assert.That(elapsed, Is.InRange(change.Within, change.Within + TimeSpan.FromSeconds(2)), change.Verb);
            Assert.That(_log.Entries.Count(entry => entry.Level == LogLevel.Warning && entry.ToString().Contains($"the {change.Verb} of", StringComparison.Ordinal)), Is.EqualTo(1), change.Verb);
        }
    }

    [Test]
    [ClientCase(28)]
    public async Task Until_AnAnswerAskedForBeforeTheChange_ProvesNothing()
    {
        var id = Id;
        var slow = new TaskCompletionSource();
        _client.GetsAreSlow = slow.Task;
        var other = _readBack.UntilAsync(ClientChange.Stop, id, static status => status!.IsStopped, default);
        await PassUntilAsync(() => _client.Gets == 1);

        // It says "active", and is on its way while a start is sent after a stop that nobody saw.
        await _client.StopAsync([id], false, default);
        var waiting = _readBack.UntilAsync(ClientChange.Start, id, static status => status!.IsActive, default);
        _client.GetsAreSlow = null;
        slow.SetResult();
        await DriveAsync(other);
        await PassUntilAsync(() => _client.Gets >= 4);
        Assert.That(waiting.IsCompleted, Is.False);
        await _client.StartAsync([id], false, default);
        Assert.That((await DriveAsync(waiting)).Held, Is.True);
    }

    [Test]
    [ClientCase(28)]
    public async Task Until_ASlowAnswer_IsJudgedByWhenItWasAskedFor()
    {
        var began = _time.GetTimestamp();
        var slow = new TaskCompletionSource();
        _client.GetsAreSlow = slow.Task;
        var asked = TimeSpan.MaxValue;
        var waiting = _readBack.UntilAsync(
            ClientChange.Recheck,
            Id,
            (_, at) =>
            {
                asked = _time.GetElapsedTime(began, at);
                return true;
            },
            default);
        await PassUntilAsync(() => _client.Gets == 1);
        _time.Advance(TimeSpan.FromSeconds(20));
        slow.SetResult();
        await waiting.DefaultTimeout();
        Assert.That(asked, Is.LessThan(TimeSpan.FromSeconds(20)));
    }

    [Test]
    public async Task Until_TheClientIsDown_ThrowsAndTheNextCallWorks()
    {
        var id = Id;
        _client.IsDown = true;
        var failing = _readBack.UntilAsync(ClientChange.Stop, id, static _ => true, default);
        Assert.That(async () => await DriveAsync(failing), Throws.InstanceOf<TorrentClientException>());
        _client.IsDown = false;
        Assert.That((await DriveAsync(_readBack.UntilAsync(ClientChange.Stop, id, static _ => true, default))).Held, Is.True);
    }

    [Test]
    public async Task Until_ManyWait_OneCallALookServesThemAll()
    {
        var id = Id;
        var all = Enumerable.Range(0, 200).Select(_ => _readBack.UntilAsync(ClientChange.AddTags, id, static _ => false, default)).ToArray();
        Assert.That((await DriveAsync(Task.WhenAll(all))).All(static one => !one.Held), Is.True);
        Assert.That(_client.Gets, Is.LessThan(60), "ten seconds of looks every half second, and stragglers at the start");
    }

    [Test]
    public async Task Until_Cancelled_EndsAndLeavesTheOthers()
    {
        using var caller = new CancellationTokenSource();
        var cancelled = _readBack.UntilAsync(ClientChange.Stop, Id, static _ => false, caller.Token);
        var other = _readBack.UntilAsync(ClientChange.Stop, Id, static status => status!.IsStopped, default);
        await caller.CancelAsync();
        Assert.That(async () => await cancelled.DefaultTimeout(), Throws.InstanceOf<OperationCanceledException>());
        await _client.StopAsync([Id], false, default);
        Assert.That((await DriveAsync(other)).Held, Is.True);
    }

    [Test]
    public async Task Dispose_SomebodyWaits_HeIsCancelled()
    {
        _client.GetsAreSlow = new TaskCompletionSource().Task;
        var waiting = _readBack.UntilAsync(ClientChange.Stop, Id, static _ => true, default);
        await PassUntilAsync(() => _client.Gets == 1);
        await _readBack.DisposeAsync().DefaultTimeout();
        Assert.That(async () => await waiting.DefaultTimeout(), Throws.InstanceOf<OperationCanceledException>());
    }

    private IEnumerable<(ClientChange Change, Func<Task<bool>> Run)> Waits(ClientTorrentId id)
    {
        var other = new TorrentBuilder("other.iso") { PieceLength = 65536, Length = 300_001 }.Build();
        yield return Wait(ClientChange.Stop, () => _client.StopAsync([id], false, default), static status => status!.IsStopped);
        yield return Wait(ClientChange.Start, () => _client.StartAsync([id], true, default), static status => status!.State == ClientTorrentState.Uploading);
        yield return Wait(ClientChange.SetLocation, () => _client.SetLocationAsync([id], "/other", default), static status => status!.SavePath == "/other");
        yield return Wait(ClientChange.AddTags, () => _client.AddTagsAsync([id], ["new"], default), static status => status!.Tags.Contains("new"));
        yield return Wait(ClientChange.SetCategory, () => _client.SetCategoryAsync([id], "new", default), static status => status!.Category == "new");
        yield return Wait(
            ClientChange.SetShareLimits,
            () => _client.SetShareLimitsAsync([id], ShareLimits.Global with { Ratio = ShareLimit.Of(2) }, default),
            static status => status!.Limits != ShareLimits.Global);
        yield return Wait(ClientChange.Delete, () => _client.DeleteAsync([id], false, default), static status => status is null);
        yield return (ClientChange.RenameFile, async () =>
        {
            await _client.RenameFileAsync(id, "disc.iso", "new", default);
            return await _readBack.UntilFilesAsync(ClientChange.RenameFile, id, static files => files[0].Path == "new", default);
        }
        );
        yield return (ClientChange.Select, async () =>
        {
            await _client.SelectAsync(id, [0], false, default);
            return await _readBack.UntilFilesAsync(ClientChange.Select, id, static files => !files[0].Selected, default);
        }
        );
        yield return (ClientChange.Add, async () =>
        {
            await _client.AddAsync(new AddTorrentRequest { Torrent = other.Bytes, SavePath = "/data" }, default);
            return (await _readBack.UntilListedAsync(ClientChange.Add, other.Manifest.V1, other.Manifest.V2, 1, default)).Seen is not null;
        }
        );

        (ClientChange, Func<Task<bool>>) Wait(ClientChange change, Func<ValueTask> send, Func<TorrentStatus?, bool> holds) => (change, async () =>
        {
            await send();
            return (await _readBack.UntilAsync(change, id, holds, default)).Held;
        }
        );
    }

    private async Task<T> DriveAsync<T>(Task<T> task)
    {
        await PassUntilAsync(() => task.IsCompleted);
        return await task;
    }

    private Task PassUntilAsync(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        VirtualTime.PassUntilAsync(_time, condition, static _ => Step, static () => { }, () => what);
}
