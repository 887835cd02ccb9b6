using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using QbSync.Engine.Source.Handoff;
using QbSync.Ports;
using QbSync.Testing.Logging;
using QbSync.Testing.Metrics;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>
/// Handoffs on virtual time between a client and a destination in memory, in processes that the test ends where it likes. It sees to it at each call that both sides
/// are never active, and that nothing is deleted which the destination does not have.
/// </summary>
internal sealed partial class HandoffRig : IDeleteTurn, ISharedFiles, IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly List<Process> _processes = [];
    private readonly List<string> _calls = [];
    private readonly Lock _gate = new();

    public HandoffRig(int torrents = 1, Action<SourceOptions>? configure = null, bool isPrivate = false)
    {
        Options.Handoff.MinSeedingTime = TimeSpan.Zero;
        Options.Handoff.DeleteGrace = TimeSpan.FromSeconds(40);
        configure?.Invoke(Options);
        Client = new ScriptedClient(Time);
        Destination = new MemoryDestination(Time);
        for (var i = 0; i < torrents; i++)
        {
            var torrent = Client.Add(new TorrentBuilder($"film{i}") { Length = 30000, PieceLength = 16384, Seed = i + 1, IsPrivate = isPrivate }.Build());
            torrent.Trackers = ["http://tracker/announce"];
            Torrents.Add(torrent);
            Destination.Hold(torrent.Torrent.Manifest);
        }

        Client.Before = Destination.Before = call => OnCallAsync(call, before: true);
        Client.After = Destination.After = call => OnCallAsync(call, before: false);
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    public SourceOptions Options { get; } = new() { Data = "/data", MinSpace = 0, CallTimeout = TimeSpan.FromSeconds(10), Name = "test" };

    public ScriptedClient Client { get; }

    public MemoryDestination Destination { get; }

    public MemoryRecords Records { get; } = new();

    public LogErrorGuard Log { get; } = new();

    public List<ScriptedTorrent> Torrents { get; } = [];

    public ScriptedTorrent Torrent => Torrents[0];

    public bool IsDesperate { get; set; }

    /// <summary>Torrents that share files with one outside of the group.</summary>
    public HashSet<ClientTorrentId> Shared { get; } = [];

    /// <summary>Whether a turn to delete comes, and when.</summary>
    public Task<bool> Turn { get; set; } = Task.FromResult(true);

    /// <summary>Whether both sides may be active.</summary>
    public bool MayOverlap { get; set; }

    /// <summary>What breaks a promise, at the moment at which it does.</summary>
    public List<string> Violations { get; } = [];

    /// <summary>Asked at each call, before and after its effect: throws what the call is to be answered.</summary>
    public Func<string, bool, ValueTask> OnCall { get; set; } = static (_, _) => default;

    /// <summary>What changed something, or proved it, in order.</summary>
    public IReadOnlyList<string> Calls
    {
        get
        {
            lock (_gate)
            {
                return [.. _calls];
            }
        }
    }

    public Process Latest => _processes[^1];

    public bool IsActiveHere(ScriptedTorrent torrent) => Client.Has(torrent) && !torrent.IsStopped;

    public bool IsActiveThere(ScriptedTorrent torrent) => Destination.Find(torrent.Torrent.Id) is { IsActive: true };

    /// <summary>Begins a handoff of all torrents in a new process.</summary>
    public Process Begin(HandoffCause cause = HandoffCause.Seeded) => Start(MakeEntry(cause), isRecovered: false);

    /// <summary>The entry of a handoff of all torrents, before its first step.</summary>
    public HandoffEntry MakeEntry(HandoffCause cause) => new()
    {
        Number = 1,
        Cause = cause,
        BegunAt = Time.GetUtcNow(),
        Members = [.. Torrents.Select(static torrent => new HandoffMember
        {
            Id = torrent.Torrent.Id.ToString(),
            ClientId = torrent.Id.Value,
            Name = torrent.Torrent.Name,
            Selection = Selection.All(torrent.Torrent.Manifest).ToBytes(),
            WasActive = !torrent.IsStopped,
            AddedAt = torrent.AddedAt,
        })],
    };

    public async Task<string> ScrapeAsync()
    {
        using var text = new MemoryStream();
        await MovedSeries.CollectAsync(Latest.Registry, text);
        return System.Text.Encoding.UTF8.GetString(text.ToArray());
    }

    /// <summary>A new process that goes on with what is in the journal; null when nothing is.</summary>
    public async Task<Process?> RecoverAsync()
    {
        var entries = await new HandoffJournal(Records, NullLogger<HandoffJournal>.Instance).LoadAsync(CancellationToken.None);
        return entries.Count == 0 ? null : Start(entries[0], isRecovered: true);
    }

    public async Task<HandoffEnd?> RunToEndAsync(Process process)
    {
        await PassUntilAsync(() => process.Running.IsCompleted);
        return await process.Running;
    }

    /// <summary>Lets virtual time pass, while nobody works, until the condition holds; bounded in real time.</summary>
    public Task PassUntilAsync(
        Func<bool> condition, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(condition))] string what = "") =>
        VirtualTime.PassUntilAsync(Time, condition, GrowingStep, static () => { }, () => Describe(what));

    public Task PassAsync(TimeSpan time)
    {
        var end = Time.GetUtcNow() + time;
        return PassUntilAsync(() => Time.GetUtcNow() >= end, "time passes");
    }

    public Task<bool> WaitAsync(HandoffGroup group, CancellationToken cancellationToken) => Turn.WaitAsync(cancellationToken);

    public void OnDeleted(HandoffGroup group)
    {
        lock (_gate)
        {
            _calls.Add("turn.deleted");
        }
    }

    public Task<IReadOnlySet<ClientTorrentId>?> FindAsync(
        IReadOnlyCollection<ClientTorrentId> members, ClientUpdate list, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlySet<ClientTorrentId>?>(Shared);

    public async ValueTask DisposeAsync()
    {
        OnCall = static (_, _) => default;
        await _end.CancelAsync();
        foreach (var process in _processes)
        {
            process.Run.Suspend();
            await PassUntilAsync(() => process.Running.IsCompleted);
            await process.DisposeAsync();
        }

        _end.Dispose();
        Assert.That(Violations, Is.Empty);
        Log.Verify();
    }

    /// <summary>Fine steps while things happen, coarse ones while a long pause has to pass.</summary>
    private static TimeSpan GrowingStep(int steps) => TimeSpan.FromMilliseconds(steps < 160 ? 250 : steps < 300 ? 1000 : 5000);

    private string Describe(string what) => $"{what}. {Latest.Run.Entry.Step} {Latest.Run.Entry.Reason}; {string.Join(' ', Calls)}";

    private async ValueTask OnCallAsync(string call, bool before)
    {
        if (!before)
        {
            lock (_gate)
            {
                _calls.Add(call);
            }

            Check(call);
        }

        await OnCall(call, before);
    }

    private void Check(string call)
    {
        lock (_gate)
        {
            foreach (var torrent in Torrents)
            {
                if (IsActiveHere(torrent) && IsActiveThere(torrent) && !MayOverlap)
                {
                    Violations.Add($"{torrent.Torrent.Name} is active on both sides after {call}");
                }

                if (!Client.Has(torrent) && call == "here.delete" && Destination.Find(torrent.Torrent.Id) is not { IsActive: true, State: DestinationTorrentState.HandedOff })
                {
                    Violations.Add($"{torrent.Torrent.Name} was deleted and does not seed there");
                }
            }
        }
    }

    private Process Start(HandoffEntry entry, bool isRecovered)
    {
        var process = new Process(this, entry, isRecovered, _end.Token);
        _processes.Add(process);
        process.Start();
        return process;
    }
}
