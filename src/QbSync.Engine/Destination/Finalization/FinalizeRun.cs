using QbSync.Engine.Shared;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination.Finalization;

/// <summary>One finalization of one torrent: what it works on and where it tells how far it is. Used from the session's lane only.</summary>
internal sealed class FinalizeRun(
    ITorrentStorage storage, ReadBackLedger ledger, WakeSignal settleSignal, TimeProvider time, Action<OperationProgress, Refusal?> report)
{
    private OperationProgress _last = new(FinalizeStage.Queued, 0, 0);
    private long _movedAt;

    public ITorrentStorage Storage => storage;

    public ReadBackLedger Ledger => ledger;

    /// <summary>Timestamp of its beginning.</summary>
    public long Began { get; } = time.GetTimestamp();

    /// <summary>Whether the client's entry is ours to change.</summary>
    public bool AddedByUs => storage.AddedByUs;

    /// <summary>Raised when local content can be looked at again.</summary>
    public WakeSignal SettleSignal => settleSignal;

    /// <summary>When the work on the disk advanced last.</summary>
    public long MovedAt => Volatile.Read(ref _movedAt);

    /// <summary>Newer parameters to record first.</summary>
    public TorrentParameters? Parameters { get; init; }

    /// <summary>What the source's file system says of the files now, to record first.</summary>
    public FinalFiles? Files { get; init; }

    /// <summary>Adds that the client did not take.</summary>
    public int RefusedAdds { get; set; }

    /// <summary>Checks that we asked for.</summary>
    public int Checks { get; set; }

    /// <summary>Whether the client was told that the content is verified; null while this run has not added it.</summary>
    public bool? TakenAsVerified { get; set; }

    /// <summary>Whether the client ended in missing files or an error once, so that it is not trusted without a check again.</summary>
    public bool SawMissingFiles { get; set; }

    /// <summary>States in which a client's disobedience was already counted.</summary>
    public HashSet<ClientViolation> Violations { get; } = [];

    public void Report(FinalizeStage stage, long done = 0, long total = 0, Refusal? waiting = null)
    {
        Moved(time.GetTimestamp());
        _last = new OperationProgress(stage, done, total, waiting?.Reason);
        report(_last, waiting);
    }

    /// <summary>Work on the disk advanced.</summary>
    public void Moved(long timestamp) => Volatile.Write(ref _movedAt, timestamp);

    /// <summary>Shows that the work stands still, where it stands.</summary>
    public void Stalls(FinalizeStage stage, Refusal waiting) =>
        report((_last.Stage == stage ? _last : new OperationProgress(stage, 0, 0)) with { Waiting = waiting.Reason }, waiting);
}

/// <summary>A source's file table as the store keeps it.</summary>
internal sealed record FinalFiles(IReadOnlyList<Torrents.FileIdentity?> Identities, ReadOnlyMemory<byte> Digest);

/// <summary>How a finalization ended.</summary>
internal abstract record FinalizeEnd
{
    private FinalizeEnd()
    {
    }

    /// <summary>Durable, and in the client.</summary>
    /// <param name="Seen">The client's entry as it was read in the end.</param>
    /// <param name="MarksPending">Whether tags or category are still to be set.</param>
    /// <param name="Proof">What was sealed.</param>
    public sealed record Completed(ClientSighting Seen, bool MarksPending, StoredProof Proof) : FinalizeEnd;

    /// <summary>Pieces turned out bad or were lost; they are needed again.</summary>
    public sealed record Incomplete(int Bad) : FinalizeEnd;

    /// <summary>Files are final; there is no client to add them to.</summary>
    public sealed record NoClient : FinalizeEnd;

    /// <summary>A permanent reason.</summary>
    public sealed record Failed(Refusal Refusal) : FinalizeEnd;
}

/// <summary>How one pass of registering ended.</summary>
internal abstract record RegistrationEnd
{
    private RegistrationEnd()
    {
    }

    /// <summary>The client has it as it should be.</summary>
    public sealed record Registered(ClientSighting Seen, bool MarksPending, string Product) : RegistrationEnd;

    /// <summary>Not now; asked again after <paramref name="Delay"/>, or when the client answers again.</summary>
    public sealed record Waits(Refusal Refusal, TimeSpan? Delay = null) : RegistrationEnd;

    /// <summary>A permanent reason.</summary>
    public sealed record Fails(Refusal Refusal) : RegistrationEnd;

    /// <summary>Final files are gone or changed; pieces of them are needed again.</summary>
    public sealed record ContentLost(int Pieces) : RegistrationEnd;
}
