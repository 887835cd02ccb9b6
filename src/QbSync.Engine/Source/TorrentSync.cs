using Microsoft.Extensions.Logging;
using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Source.Phases;
using QbSync.Engine.Source.Planning;
using QbSync.Engine.Source.Records;
using QbSync.Engine.Source.Streaming;
using QbSync.Engine.Status;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

/// <summary>One torrent at the source. Owned by the loop: nothing else touches it, but for its stream, which is thread-safe.</summary>
internal sealed partial class TorrentSync(InfoHash id, ClientTorrentId clientId, string name, ILogger logger)
{
    public InfoHash Id { get; private set; } = id;

    public ClientTorrentId ClientId { get; set; } = clientId;

    public string Name { get; set; } = name;

    public TorrentSyncState State { get; private set; }

    /// <summary>Rises with each transition; what a phase of an older run brings is dropped.</summary>
    public int Run { get; private set; }

    /// <summary>What the client said last; null while it does not list it.</summary>
    public TorrentStatus? Status
    {
        get;
        set
        {
            field = value;
            LastStatus = value ?? LastStatus;
        }
    }

    /// <summary>The same, kept when it is not listed any more; null when it never was in this process.</summary>
    public TorrentStatus? LastStatus { get; private set; }

    /// <summary>What the user's lists needed to know of it; null while nothing was asked.</summary>
    public TorrentTraits? Traits { get; set; }

    /// <summary>What the user's lists say of it; null when that is to be seen anew.</summary>
    public FilterVerdict? Filter { get; set; }

    public Hold? Hold { get; set; }

    /// <summary>Failures of this state in a row.</summary>
    public int Failures { get; set; }

    public StrikeLedger Strikes { get; set; } = new();

    /// <summary>What the destination answered last to the question that Discovered asks.</summary>
    public DestinationTorrentStatus? Answer { get; set; }

    public TorrentContent? Content { get; set; }

    public PieceStream? Stream { get; set; }

    public CompletionRecord? Completion { get; set; }

    /// <summary>The handoff that it is in.</summary>
    public HandoffRun? Handoff { get; set; }

    /// <summary>What is kept of it after its delete here.</summary>
    public HandedOffRecord? HandedOff { get; set; }

    /// <summary>Handoffs in a row that turned back, and until when none is tried again.</summary>
    public int HandoffFailures { get; set; }

    public DateTimeOffset? HandoffRestsUntil { get; set; }

    /// <summary>Pieces that the selection needs; 0 while the manifest is not known.</summary>
    public int SelectedPieces { get; set; }

    /// <summary>What Finalize is told when the source's entry is gone.</summary>
    public FinalizeRecord? Finalize { get; set; }

    /// <summary>Whether the destination keeps names of its own for the files, which is told once.</summary>
    public bool HasOwnNamesThere { get; set; }

    /// <summary>Whether the destination may hold something unfinished of it.</summary>
    public bool OpenedThere { get; set; }

    /// <summary>Whether every selected piece was acknowledged once.</summary>
    public bool AllArrived { get; set; }

    /// <summary>Whether the destination once said Complete, so that final files of it are there.</summary>
    public bool WasComplete { get; set; }

    public bool NeedsValidation { get; set; }

    public bool FailedTagWasSeen { get; set; }

    /// <summary>When it failed; null while it has not.</summary>
    public DateTimeOffset? FailedAt { get; set; }

    /// <summary>No tag is set before, since the try before failed.</summary>
    public TimeSpan TagAgainAt { get; set; }

    /// <summary>Whether the files have to be looked at again, and since when that was not done.</summary>
    public bool NeedsLook { get; set; }

    /// <summary>Whether it was told that its files are away.</summary>
    public bool AbsenceWasTold { get; set; }

    public TimeSpan LookedAt { get; set; }

    /// <summary>Whether its phase is a look.</summary>
    public bool IsLooking { get; set; }

    /// <summary>Whether the last look saw that every file of it is unwanted: what is there stays, and nothing of it is handed over.</summary>
    public bool WantsNothing { get; set; }

    /// <summary>The record that another selection made worthless, until the torrent is synced again.</summary>
    public CompletionRecord? Superseded { get; set; }

    /// <summary>Whether the destination has yet to take another selection of a synced torrent.</summary>
    public bool OwesResync { get; set; }

    /// <summary>How often in a row the destination lacked pieces that it had acknowledged.</summary>
    public int BarrenRounds { get; set; }

    /// <summary>Whether the destination gave up making it final: it says so for ever, until it is told of the torrent anew.</summary>
    public bool IsGivenUpThere { get; set; }

    /// <summary>How often the destination had to be told of it anew without a pause in between.</summary>
    public int Reopenings { get; set; }

    public TimeSpan ReopenedAt { get; set; }

    public OperationProgress? Progress { get; set; }

    public DateTimeOffset FirstSeen { get; set; }

    public DateTimeOffset? ArrivedAt { get; set; }

    public DateTimeOffset? FinishedAt { get; set; }

    /// <summary>Why it is as it is, for people.</summary>
    public string Reason { get; set; } = "";

    /// <summary>What it waits for while no hold says so.</summary>
    public WaitingReason WaitingFor { get; set; }

    /// <summary>Whether I/O of the present run is under way.</summary>
    public bool IsBusy { get; private set; }

    public ClientClass? Class => Status is null ? null : ClientClasses.Of(Status);

    /// <summary>Ends what the present run does.</summary>
    public CancellationTokenSource RunEnds { get; private set; } = new();

    /// <summary>Gives it the first state. Call once.</summary>
    public void Begin(TorrentSyncState state, string reason)
    {
        if (!TorrentSyncTransitions.MayBegin(state))
        {
            throw new InvalidOperationException($"No torrent begins in {state}.");
        }

        State = state;
        Reason = reason;
        Log.Began(logger, Name, Id, state, reason);
    }

    /// <summary>The one way from state to state: refused, and logged, for a pair that the table lacks.</summary>
    public bool Transition(TorrentSyncState next, string reason)
    {
        if (!TorrentSyncTransitions.MayFollow(State, next))
        {
            Log.TransitionRefused(logger, Name, Id, State, next, reason);
            return false;
        }

        Log.Changed(logger, Name, Id, State, next, reason);
        State = next;
        EndRun();
        Stream?.VoidGrant();
        Failures = 0;
        Hold = null;
        IsGivenUpThere = false;
        Progress = null;
        WaitingFor = WaitingReason.None;
        Reason = next is TorrentSyncState.Failed or TorrentSyncState.Excluded ? reason : "";
        return true;
    }

    /// <summary>Marks that I/O of this run begins; its number.</summary>
    public int BeginWork()
    {
        IsBusy = true;
        return Run;
    }

    /// <summary>The I/O of this run ended; false when it was of an older one.</summary>
    public bool EndWork(int run)
    {
        if (run != Run)
        {
            return false;
        }

        IsBusy = false;
        Progress = null;
        return true;
    }

    /// <summary>The manifest's id, where the client told another hash of the same torrent.</summary>
    public void Rename(InfoHash id) => Id = id;

    private void EndRun()
    {
        Run++;
        IsBusy = false;
        RunEnds.Cancel();
        RunEnds.Dispose();
        RunEnds = new CancellationTokenSource();
    }
}
