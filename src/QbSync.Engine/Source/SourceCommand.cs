using QbSync.Engine.Source.Cleanup;
using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Source.Peers;
using QbSync.Engine.Source.Phases;
using QbSync.Engine.Source.Planning;
using QbSync.Engine.Source.Streaming;
using QbSync.Engine.Source.Tracking;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

/// <summary>What others post to the loop.</summary>
internal abstract record SourceCommand
{
    private SourceCommand()
    {
    }

    /// <summary>A look at the client.</summary>
    public sealed record Seen(ClientSnapshot Snapshot) : SourceCommand;

    /// <summary>Pieces that the client has.</summary>
    public sealed record Pieces(ClientTorrentId Id, PieceBitmap Has) : SourceCommand;

    /// <summary>Whether the client answers.</summary>
    public sealed record Client(string Problem) : SourceCommand;

    /// <summary>News of the destination.</summary>
    public sealed record Peer(PeerEvent Event) : SourceCommand;

    /// <summary>The link has streams, or none.</summary>
    public sealed record Link(bool Connected) : SourceCommand;

    /// <summary>A phase ended.</summary>
    public sealed record PhaseEnded(TorrentSync Sync, int Run, PhaseResult Result) : SourceCommand;

    /// <summary>A phase goes on.</summary>
    public sealed record Progress(TorrentSync Sync, int Run, OperationProgress Value) : SourceCommand;

    /// <summary>A batch of statuses was answered, or failed.</summary>
    public sealed record Statuses(IReadOnlyList<(TorrentSync Sync, int Run)> Asked, IReadOnlyList<DestinationTorrentStatus> Answers, Exception? Fault)
        : SourceCommand;

    /// <summary>Bitmaps that were asked for once more were answered; no answers when that failed.</summary>
    public sealed record Bitmaps(IReadOnlyList<(TorrentSync Sync, StreamGrant Grant)> Asked, IReadOnlyList<DestinationTorrentStatus> Answers)
        : SourceCommand;

    /// <summary>A handoff took a step.</summary>
    public sealed record HandoffMoved(HandoffRun Run) : SourceCommand;

    /// <summary>A handoff ended; null when it was suspended and its entry stays open.</summary>
    public sealed record HandoffEnded(HandoffRun Run, HandoffEnd? End) : SourceCommand;

    /// <summary>A stream has something to tell.</summary>
    public sealed record Edge(InfoHash Id) : SourceCommand;

    /// <summary>A look at the free space.</summary>
    public sealed record Space(SpaceSample Sample) : SourceCommand;

    /// <summary>A look at which torrents share files; none when that could not be told, as while not every torrent's files are known yet.</summary>
    public sealed record Grouped(GroupLook? Look, TimeSpan Took, bool IsIndexIncomplete) : SourceCommand;

    /// <summary>The source will stop: nothing new is taken up.</summary>
    public sealed record Leave : SourceCommand;

    /// <summary>Everything is to be handed over; the answer is null when that is refused.</summary>
    public sealed record Drain(TaskCompletionSource<DrainReport?> Answer) : SourceCommand;

    /// <summary>What failed or rests is to be tried again: one torrent, or all. The answer is how many those are; null when that one is not known.</summary>
    public sealed record Retry(InfoHash? Id, TaskCompletionSource<int?> Answer) : SourceCommand;

    /// <summary>What would be done is asked for: what is known now, and of that torrent in particular.</summary>
    public sealed record Plan(InfoHash? Id, TaskCompletionSource<PlanQuestion> Answer) : SourceCommand;

    /// <summary>A torrent is to be handed over. The answer is why that does not begin; empty when it does, null when it is not known.</summary>
    public sealed record HandOff(InfoHash Id, TaskCompletionSource<string?> Answer) : SourceCommand;

    /// <summary>A look at who shares files in a drain; none when that could not be told.</summary>
    public sealed record DrainLooked(GroupLook? Look) : SourceCommand;

    /// <summary>The drain with this answer is over.</summary>
    public sealed record DrainEnded(TaskCompletionSource<DrainReport?> Answer) : SourceCommand;

    /// <summary>The source stops. The answer is what ends when every group on its way has turned back.</summary>
    public sealed record Stop(TaskCompletionSource<Task> Answer) : SourceCommand;

    /// <summary>Time passes.</summary>
    public sealed record Tick : SourceCommand
    {
        public static Tick Instance { get; } = new();
    }
}
