using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Outcomes;

/// <summary>Where a long operation of the destination stands.</summary>
/// <param name="Stage">What it is doing.</param>
/// <param name="Done">Units done.</param>
/// <param name="Total">Units in all; 0 when unknown.</param>
/// <param name="Waiting">What it waits for, if it waits.</param>
public sealed record OperationProgress(FinalizeStage Stage, long Done, long Total, RefusalReason? Waiting = null);

/// <summary>Stages of opening and finalizing, in order. An unknown number is shown, never acted on.</summary>
public enum FinalizeStage
{
    /// <summary>A stage of a newer peer.</summary>
    Unknown = 0,

    /// <summary>The torrent is being opened.</summary>
    Opening = 1,

    /// <summary>Waits for a worker.</summary>
    Queued = 2,

    /// <summary>Settles local content and hardlinks.</summary>
    Linking = 3,

    /// <summary>Bytes go to the disk.</summary>
    Syncing = 4,

    /// <summary>Pieces are read back from disk and hashed.</summary>
    Verifying = 5,

    /// <summary>Files get their final names.</summary>
    Publishing = 6,

    /// <summary>The torrent is added to the client.</summary>
    Registering = 7,

    /// <summary>The client checks.</summary>
    Checking = 8,

    /// <summary>The proof and the completion record are written.</summary>
    Sealing = 9,
}

/// <summary>What the destination's client says of a torrent, with the time of the look.</summary>
/// <param name="State">State word of the port.</param>
/// <param name="Progress">0 to 1.</param>
/// <param name="BytesLeft">Bytes of the selection that the client lacks.</param>
/// <param name="SeenAt">When the answer was asked for.</param>
public sealed record ClientView(ClientTorrentState State, double Progress, long BytesLeft, DateTimeOffset SeenAt);

/// <summary>The answer to Init.</summary>
public abstract record InitOutcome
{
    private InitOutcome()
    {
    }

    /// <summary>Pieces are welcome.</summary>
    /// <param name="Incarnation">The destination's incarnation; bitmaps hold for (incarnation, epoch).</param>
    /// <param name="Epoch">The session's epoch, sent along with each piece.</param>
    /// <param name="Have">Pieces held and verified.</param>
    /// <param name="Deferred">Pieces that will come from content the destination has: not to be sent now.</param>
    /// <param name="OwnNames">The destination keeps its own file names, not those of the source's client.</param>
    public sealed record Open(ulong Incarnation, ulong Epoch, PieceBitmap Have, PieceBitmap Deferred, bool OwnNames) : InitOutcome;

    /// <summary>Ask again at once.</summary>
    public sealed record Running(OperationProgress Progress) : InitOutcome;

    /// <summary>The torrent is complete there.</summary>
    public sealed record Complete(CompletionView View) : InitOutcome;

    /// <summary>Refused.</summary>
    public sealed record Refused(Refusal Refusal) : InitOutcome;
}

/// <summary>What the destination says with Complete.</summary>
/// <param name="ProofId">Name of the proof; empty for none.</param>
/// <param name="Client">The client's view.</param>
/// <param name="Selection">The selection that is complete, packed as <see cref="Torrents.Selection.ToBytes"/>.</param>
public sealed record CompletionView(ReadOnlyMemory<byte> ProofId, ClientView? Client, ReadOnlyMemory<byte> Selection);

/// <summary>The answer to Finalize.</summary>
public abstract record FinalizeOutcome
{
    private FinalizeOutcome()
    {
    }

    /// <summary>It goes on; ask again at once.</summary>
    public sealed record Running(OperationProgress Progress) : FinalizeOutcome;

    /// <summary>All selected bytes are durable under final names, and the client has the torrent, verified and stopped.</summary>
    public sealed record Complete(CompletionView View) : FinalizeOutcome;

    /// <summary>Pieces are missing; the bitmap says which are held.</summary>
    public sealed record Incomplete(ulong Epoch, PieceBitmap Have, PieceBitmap Deferred) : FinalizeOutcome;

    /// <summary>The destination does not know the torrent.</summary>
    public sealed record Unknown : FinalizeOutcome;

    /// <summary>Refused.</summary>
    public sealed record Refused(Refusal Refusal) : FinalizeOutcome;
}

/// <summary>The answer to Abort.</summary>
public abstract record AbortOutcome
{
    private AbortOutcome()
    {
    }

    /// <summary>Nothing unfinished of it is left.</summary>
    public sealed record Done(int Files, long Bytes) : AbortOutcome;

    /// <summary>Everything had arrived, so it is finalized instead.</summary>
    public sealed record FinalizingInstead : AbortOutcome;

    /// <summary>It goes on; ask again at once.</summary>
    public sealed record Running(OperationProgress Progress) : AbortOutcome;

    /// <summary>Refused.</summary>
    public sealed record Refused(Refusal Refusal) : AbortOutcome;
}
