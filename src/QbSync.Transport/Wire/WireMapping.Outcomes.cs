using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Wire;

internal static partial class WireMapping
{
    public static Protocol.Refusal ToWire(Outcomes.Refusal refusal)
    {
        var wire = new Protocol.Refusal
        {
            Reason = (Protocol.RefusalReason)refusal.Reason,
            Detail = Cut(refusal.Detail),
            Owner = Cut(refusal.Owner),
            Path = Cut(refusal.Path),
        };
        if (refusal.RetryAfter is { } retryAfter)
        {
            wire.RetryAfterMs = NotNegative((long)retryAfter.TotalMilliseconds);
        }

        if (refusal.NeededBytes is { } needed)
        {
            wire.Needed = NotNegative(needed);
        }

        if (refusal.FreeBytes is { } free)
        {
            wire.Free = NotNegative(free);
        }

        return wire;
    }

    public static Outcomes.Refusal ToDomain(Protocol.Refusal wire) => new(
        Known((int)wire.Reason, Outcomes.RefusalReason.Unknown),
        Cut(wire.Detail),
        wire.HasRetryAfterMs ? Milliseconds(wire.RetryAfterMs) : null,
        wire.HasNeeded ? SaturateLong(wire.Needed) : null,
        wire.HasFree ? SaturateLong(wire.Free) : null)
    {
        Owner = Cut(wire.Owner),
        Path = Cut(wire.Path),
    };

    public static Running ToWire(OperationProgress progress)
    {
        var wire = new Running { Stage = (Stage)progress.Stage, Done = NotNegative(progress.Done), Total = NotNegative(progress.Total) };
        if (progress.Waiting is { } waiting)
        {
            wire.Waiting = (Protocol.RefusalReason)waiting;
        }

        return wire;
    }

    public static OperationProgress ToDomain(Running wire) => new(
        Known((int)wire.Stage, FinalizeStage.Unknown),
        SaturateLong(wire.Done),
        SaturateLong(wire.Total),
        wire.HasWaiting ? Known((int)wire.Waiting, Outcomes.RefusalReason.Unknown) : null);

    /// <summary>The look's time crosses as an age, since clocks of two machines differ.</summary>
    public static Protocol.ClientView ToWire(Outcomes.ClientView view, DateTimeOffset now) => new()
    {
        State = (ClientState)view.State,
        ProgressPpm = (uint)(Math.Clamp(double.IsNaN(view.Progress) ? 0 : view.Progress, 0, 1) * 1_000_000),
        BytesLeft = NotNegative(view.BytesLeft),
        AgeMs = NotNegative((long)(now - view.SeenAt).TotalMilliseconds),
        Announce = (Protocol.AnnounceState)view.Announce,
        AnnounceText = Cut(view.AnnounceText),
    };

    public static Outcomes.ClientView? ToDomain(Protocol.ClientView? wire, DateTimeOffset now) => wire is null ? null : new(
        Known((int)wire.State, ClientTorrentState.Unknown),
        Math.Min(wire.ProgressPpm, 1_000_000) / 1e6,
        SaturateLong(wire.BytesLeft),
        now - Milliseconds(wire.AgeMs),
        Known((int)wire.Announce, Outcomes.AnnounceState.None),
        Cut(wire.AnnounceText));

    public static Complete ToWire(CompletionView view, DateTimeOffset now) => new()
    {
        ProofId = ToWire(view.ProofId),
        Client = view.Client is null ? null : ToWire(view.Client, now),
        Selection = ToWire(view.Selection),
    };

    public static CompletionView ToDomain(Complete wire, DateTimeOffset now) =>
        new(wire.ProofId.Memory, ToDomain(wire.Client, now), wire.Selection.Memory);

    public static InitReply ToWire(InitOutcome outcome, DateTimeOffset now) => outcome switch
    {
        InitOutcome.Open open => new InitReply
        {
            Open = new Open
            {
                Epoch = open.Epoch,
                Have = ToWire(open.Have.ToBytes()),
                Deferred = ToWire(open.Deferred.ToBytes()),
                Pieces = (uint)open.Have.Length,
                OwnNames = open.OwnNames,
                OldPlace = open.OldPlace,
                Losses = open.Losses,
            },
        },
        InitOutcome.Running running => new InitReply { Running = ToWire(running.Progress) },
        InitOutcome.Complete complete => new InitReply { Complete = ToWire(complete.View, now) },
        InitOutcome.Refused refused => new InitReply { Refusal = ToWire(refused.Refusal) },
        _ => throw new InvalidOperationException($"No message for {outcome.GetType().Name}."),
    };

    /// <param name="incarnation">That of the session which the answer came in.</param>
    public static InitOutcome ToDomain(InitReply wire, ulong incarnation, DateTimeOffset now) => wire.ReplyCase switch
    {
        InitReply.ReplyOneofCase.Open => new InitOutcome.Open(
            incarnation,
            wire.Open.Epoch,
            ToBitmap(wire.Open.Have, wire.Open.Pieces),
            ToBitmap(wire.Open.Deferred, wire.Open.Pieces),
            wire.Open.OwnNames,
            wire.Open.OldPlace,
            wire.Open.Losses),
        InitReply.ReplyOneofCase.Running => new InitOutcome.Running(ToDomain(wire.Running)),
        InitReply.ReplyOneofCase.Complete => new InitOutcome.Complete(ToDomain(wire.Complete, now)),
        InitReply.ReplyOneofCase.Refusal => new InitOutcome.Refused(ToDomain(wire.Refusal)),
        _ => new InitOutcome.Refused(UnknownAnswer),
    };

    public static FinalizeReply ToWire(FinalizeOutcome outcome, DateTimeOffset now) => outcome switch
    {
        FinalizeOutcome.Running running => new FinalizeReply { Running = ToWire(running.Progress) },
        FinalizeOutcome.Complete complete => new FinalizeReply { Complete = ToWire(complete.View, now) },
        FinalizeOutcome.Incomplete incomplete => new FinalizeReply
        {
            Incomplete = new Incomplete
            {
                Epoch = incomplete.Epoch,
                Have = ToWire(incomplete.Have.ToBytes()),
                Deferred = ToWire(incomplete.Deferred.ToBytes()),
                Pieces = (uint)incomplete.Have.Length,
            },
        },
        FinalizeOutcome.Unknown => new FinalizeReply { Unknown = new Unknown() },
        FinalizeOutcome.Refused refused => new FinalizeReply { Refusal = ToWire(refused.Refusal) },
        _ => throw new InvalidOperationException($"No message for {outcome.GetType().Name}."),
    };

    public static FinalizeOutcome ToDomain(FinalizeReply wire, DateTimeOffset now) => wire.ReplyCase switch
    {
        FinalizeReply.ReplyOneofCase.Running => new FinalizeOutcome.Running(ToDomain(wire.Running)),
        FinalizeReply.ReplyOneofCase.Complete => new FinalizeOutcome.Complete(ToDomain(wire.Complete, now)),
        FinalizeReply.ReplyOneofCase.Incomplete => new FinalizeOutcome.Incomplete(
            wire.Incomplete.Epoch,
            ToBitmap(wire.Incomplete.Have, wire.Incomplete.Pieces),
            ToBitmap(wire.Incomplete.Deferred, wire.Incomplete.Pieces)),
        FinalizeReply.ReplyOneofCase.Unknown => new FinalizeOutcome.Unknown(),
        FinalizeReply.ReplyOneofCase.Refusal => new FinalizeOutcome.Refused(ToDomain(wire.Refusal)),
        _ => new FinalizeOutcome.Refused(UnknownAnswer),
    };

    public static AbortReply ToWire(AbortOutcome outcome) => outcome switch
    {
        AbortOutcome.Done done => new AbortReply { Done = new Aborted { Files = (uint)Math.Max(done.Files, 0), Bytes = NotNegative(done.Bytes) } },
        AbortOutcome.FinalizingInstead => new AbortReply { FinalizingInstead = new FinalizingInstead() },
        AbortOutcome.Running running => new AbortReply { Running = ToWire(running.Progress) },
        AbortOutcome.Refused refused => new AbortReply { Refusal = ToWire(refused.Refusal) },
        _ => throw new InvalidOperationException($"No message for {outcome.GetType().Name}."),
    };

    public static AbortOutcome ToDomain(AbortReply wire) => wire.ReplyCase switch
    {
        AbortReply.ReplyOneofCase.Done => new AbortOutcome.Done(Saturate(wire.Done.Files), SaturateLong(wire.Done.Bytes)),
        AbortReply.ReplyOneofCase.FinalizingInstead => new AbortOutcome.FinalizingInstead(),
        AbortReply.ReplyOneofCase.Running => new AbortOutcome.Running(ToDomain(wire.Running)),
        AbortReply.ReplyOneofCase.Refusal => new AbortOutcome.Refused(ToDomain(wire.Refusal)),
        _ => new AbortOutcome.Refused(UnknownAnswer),
    };

    private static Outcomes.Refusal UnknownAnswer { get; } = new(Outcomes.RefusalReason.Unknown, "The destination gave an answer that this build does not know.");
}
