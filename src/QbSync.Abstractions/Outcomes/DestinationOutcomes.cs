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
/// <param name="Announce">Whether a tracker took its announce.</param>
/// <param name="AnnounceText">A tracker's words where it refused; for people.</param>
public sealed record ClientView(
    ClientTorrentState State,
    double Progress,
    long BytesLeft,
    DateTimeOffset SeenAt,
    AnnounceState Announce = AnnounceState.None,
    string AnnounceText = "");

/// <summary>Whether a tracker took a torrent's announce.</summary>
public enum AnnounceState
{
    /// <summary>It has no tracker, or that is not known.</summary>
    None = 0,

    /// <summary>No tracker has answered yet.</summary>
    NotYet = 1,

    /// <summary>A tracker took it.</summary>
    Accepted = 2,

    /// <summary>Every tracker that answered refused it.</summary>
    Rejected = 3,
}

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
    /// <param name="OldPlace">Another place was asked for and cannot be taken; the one before is kept.</param>
    /// <param name="Losses">How often held bits were lost in this epoch before <paramref name="Have"/> was made.</param>
    public sealed record Open(
        ulong Incarnation, ulong Epoch, PieceBitmap Have, PieceBitmap Deferred, bool OwnNames, bool OldPlace = false, ulong Losses = 0) : InitOutcome;

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

/// <summary>What was looked at after the caller's nonce came: without one, nothing at a source is deleted.</summary>
public sealed record Proof
{
    /// <summary>The torrent.</summary>
    public required Torrents.InfoHash Id { get; init; }

    /// <summary>The caller's nonce.</summary>
    public required ReadOnlyMemory<byte> Nonce { get; init; }

    /// <summary>SHA-256 of the <c>.torrent</c>'s raw info dictionary.</summary>
    public required ReadOnlyMemory<byte> ManifestDigest { get; init; }

    /// <summary>A bit a file: final name, exact size, read back after its last write, stat unchanged in this call.</summary>
    public required ReadOnlyMemory<byte> ProvenFiles { get; init; }

    /// <summary>Bytes of the selected files.</summary>
    public required long SelectedBytes { get; init; }

    /// <summary>Bytes that were read back from disk and hashed.</summary>
    public required long BytesReadBack { get; init; }

    /// <summary>When this look began.</summary>
    public required DateTimeOffset From { get; init; }

    /// <summary>When it ended.</summary>
    public required DateTimeOffset To { get; init; }

    /// <summary>The client, asked in this call.</summary>
    public required ClientView Client { get; init; }

    /// <summary>Name of the stored proof: SHA-256 of its content.</summary>
    public required ReadOnlyMemory<byte> ProofId { get; init; }
}

/// <summary>The answer to Prove.</summary>
public abstract record ProveOutcome
{
    private ProveOutcome()
    {
    }

    /// <summary>What was seen.</summary>
    public sealed record Proven(Proof Proof) : ProveOutcome;

    /// <summary>It goes on; ask again at once.</summary>
    public sealed record Running(OperationProgress Progress) : ProveOutcome;

    /// <summary>The destination does not know the torrent.</summary>
    public sealed record Unknown : ProveOutcome;

    /// <summary>Refused: the condition that does not hold.</summary>
    public sealed record Refused(Refusal Refusal) : ProveOutcome;
}

/// <summary>The answer to Start.</summary>
public abstract record StartOutcome
{
    private StartOutcome()
    {
    }

    /// <summary>The client was seen active, or queued for seeding.</summary>
    public sealed record Started(ClientView Seen) : StartOutcome;

    /// <summary>It goes on; ask again at once.</summary>
    public sealed record Running(OperationProgress Progress) : StartOutcome;

    /// <summary>The destination does not know the torrent.</summary>
    public sealed record Unknown : StartOutcome;

    /// <summary>Refused. With <see cref="RefusalReason.NotSeeding"/> it was seen stopped again; with <see cref="RefusalReason.Uncertain"/> it was not.</summary>
    public sealed record Refused(Refusal Refusal) : StartOutcome;
}

/// <summary>The answer to Withdraw.</summary>
public abstract record WithdrawOutcome
{
    private WithdrawOutcome()
    {
    }

    /// <summary>It does not seed by our doing.</summary>
    /// <param name="Seen">The client's view; null where it was not asked.</param>
    public sealed record Done(ClientView? Seen) : WithdrawOutcome;

    /// <summary>It goes on; ask again at once.</summary>
    public sealed record Running(OperationProgress Progress) : WithdrawOutcome;

    /// <summary>Refused.</summary>
    public sealed record Refused(Refusal Refusal) : WithdrawOutcome;
}

/// <summary>The answer to ConfirmHandoff.</summary>
public abstract record ConfirmOutcome
{
    private ConfirmOutcome()
    {
    }

    /// <summary>Tagged and closed.</summary>
    public sealed record Done : ConfirmOutcome;

    /// <summary>The destination does not know the torrent.</summary>
    public sealed record Unknown : ConfirmOutcome;

    /// <summary>Refused.</summary>
    public sealed record Refused(Refusal Refusal) : ConfirmOutcome;
}
