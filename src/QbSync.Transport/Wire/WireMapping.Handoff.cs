using Google.Protobuf;
using QbSync.Outcomes;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Wire;

internal static partial class WireMapping
{
    /// <summary>Longest nonce, proof name or fingerprint that is taken: twice what this build makes.</summary>
    private const int MaxToken = 64;

    private const int DigestLength = 32;

    public static Protocol.ProveRequest ToWire(Ports.ProveRequest request) =>
        new() { Id = ToWire(request.Id), Nonce = ToWire(request.Nonce), Fingerprint = ToWire(request.SelectionFingerprint) };

    /// <summary>Without a nonce an answer cannot be told from an old one, so there is none.</summary>
    public static Ports.ProveRequest ToDomain(Protocol.ProveRequest wire) => new(
        ToId(wire.Id),
        wire.Nonce.Length > 0 ? ToToken(wire.Nonce, "nonce") : throw Malformed("a Prove without a nonce"),
        ToToken(wire.Fingerprint, "fingerprint"));

    public static ProveReply ToWire(ProveOutcome outcome, DateTimeOffset now) => outcome switch
    {
        ProveOutcome.Proven proven => new ProveReply { Proof = ToWire(proven.Proof, now) },
        ProveOutcome.Running running => new ProveReply { Running = ToWire(running.Progress) },
        ProveOutcome.Unknown => new ProveReply { Unknown = new Unknown() },
        ProveOutcome.Refused refused => new ProveReply { Refusal = ToWire(refused.Refusal) },
        _ => throw new InvalidOperationException($"No message for {outcome.GetType().Name}."),
    };

    /// <summary>An answer to another question proves nothing: id and nonce have to be those of <paramref name="asked"/>.</summary>
    public static ProveOutcome ToDomain(ProveReply wire, Ports.ProveRequest asked, DateTimeOffset now) => wire.ReplyCase switch
    {
        ProveReply.ReplyOneofCase.Proof => new ProveOutcome.Proven(ToDomain(wire.Proof, asked, now)),
        ProveReply.ReplyOneofCase.Running => new ProveOutcome.Running(ToDomain(wire.Running)),
        ProveReply.ReplyOneofCase.Unknown => new ProveOutcome.Unknown(),
        ProveReply.ReplyOneofCase.Refusal => new ProveOutcome.Refused(ToDomain(wire.Refusal)),
        _ => new ProveOutcome.Refused(UnknownAnswer),
    };

    public static Protocol.StartRequest ToWire(Ports.StartRequest request) =>
        new() { Id = ToWire(request.Id), Cause = (Protocol.StartCause)request.Cause, Parameters = ToWire(request.Parameters) };

    /// <summary>A cause that this build does not know is refused: nothing is started on it.</summary>
    public static Ports.StartRequest ToDomain(Protocol.StartRequest wire)
    {
        var cause = (Ports.StartCause)wire.Cause;
        return Enum.IsDefined(cause)
            ? new Ports.StartRequest(ToId(wire.Id), cause, ToDomain(wire.Parameters))
            : throw Malformed($"a start of cause {(int)wire.Cause} is not known");
    }

    public static StartReply ToWire(StartOutcome outcome, DateTimeOffset now) => outcome switch
    {
        StartOutcome.Started started => new StartReply { Seen = ToWire(started.Seen, now) },
        StartOutcome.Running running => new StartReply { Running = ToWire(running.Progress) },
        StartOutcome.Unknown => new StartReply { Unknown = new Unknown() },
        StartOutcome.Refused refused => new StartReply { Refusal = ToWire(refused.Refusal) },
        _ => throw new InvalidOperationException($"No message for {outcome.GetType().Name}."),
    };

    public static StartOutcome ToDomain(StartReply wire, DateTimeOffset now) => wire.ReplyCase switch
    {
        StartReply.ReplyOneofCase.Seen => new StartOutcome.Started(ToDomain(wire.Seen, now)!),
        StartReply.ReplyOneofCase.Running => new StartOutcome.Running(ToDomain(wire.Running)),
        StartReply.ReplyOneofCase.Unknown => new StartOutcome.Unknown(),
        StartReply.ReplyOneofCase.Refusal => new StartOutcome.Refused(ToDomain(wire.Refusal)),
        _ => new StartOutcome.Refused(UnknownAnswer),
    };

    public static Protocol.WithdrawRequest ToWire(Ports.WithdrawRequest request) => new() { Id = ToWire(request.Id) };

    public static Ports.WithdrawRequest ToDomain(Protocol.WithdrawRequest wire) => new(ToId(wire.Id));

    /// <summary>Done without a look at the client is the arm <c>unknown</c>: nothing of ours is there to be stopped.</summary>
    public static WithdrawReply ToWire(WithdrawOutcome outcome, DateTimeOffset now) => outcome switch
    {
        WithdrawOutcome.Done { Seen: { } seen } => new WithdrawReply { Seen = ToWire(seen, now) },
        WithdrawOutcome.Done => new WithdrawReply { Unknown = new Unknown() },
        WithdrawOutcome.Running running => new WithdrawReply { Running = ToWire(running.Progress) },
        WithdrawOutcome.Refused refused => new WithdrawReply { Refusal = ToWire(refused.Refusal) },
        _ => throw new InvalidOperationException($"No message for {outcome.GetType().Name}."),
    };

    public static WithdrawOutcome ToDomain(WithdrawReply wire, DateTimeOffset now) => wire.ReplyCase switch
    {
        WithdrawReply.ReplyOneofCase.Seen => new WithdrawOutcome.Done(ToDomain(wire.Seen, now)),
        WithdrawReply.ReplyOneofCase.Unknown => new WithdrawOutcome.Done(null),
        WithdrawReply.ReplyOneofCase.Running => new WithdrawOutcome.Running(ToDomain(wire.Running)),
        WithdrawReply.ReplyOneofCase.Refusal => new WithdrawOutcome.Refused(ToDomain(wire.Refusal)),
        _ => new WithdrawOutcome.Refused(UnknownAnswer),
    };

    public static Protocol.ConfirmHandoffRequest ToWire(Ports.ConfirmHandoffRequest request) =>
        new() { Id = ToWire(request.Id), Tag = request.Tag, ProofId = ToWire(request.ProofId) };

    public static Ports.ConfirmHandoffRequest ToDomain(Protocol.ConfirmHandoffRequest wire) => new(
        ToId(wire.Id),
        wire.Tag.Length <= SyncLimits.MaxText ? wire.Tag : throw Malformed($"a tag has {wire.Tag.Length} characters"),
        ToToken(wire.ProofId, "proof's name"));

    public static ConfirmHandoffReply ToWire(ConfirmOutcome outcome) => outcome switch
    {
        ConfirmOutcome.Done => new ConfirmHandoffReply { Done = new Done() },
        ConfirmOutcome.Unknown => new ConfirmHandoffReply { Unknown = new Unknown() },
        ConfirmOutcome.Refused refused => new ConfirmHandoffReply { Refusal = ToWire(refused.Refusal) },
        _ => throw new InvalidOperationException($"No message for {outcome.GetType().Name}."),
    };

    public static ConfirmOutcome ToDomain(ConfirmHandoffReply wire) => wire.ReplyCase switch
    {
        ConfirmHandoffReply.ReplyOneofCase.Done => new ConfirmOutcome.Done(),
        ConfirmHandoffReply.ReplyOneofCase.Unknown => new ConfirmOutcome.Unknown(),
        ConfirmHandoffReply.ReplyOneofCase.Refusal => new ConfirmOutcome.Refused(ToDomain(wire.Refusal)),
        _ => new ConfirmOutcome.Refused(UnknownAnswer),
    };

    private static Protocol.Proof ToWire(Outcomes.Proof proof, DateTimeOffset now) => new()
    {
        Id = ToWire(proof.Id),
        Nonce = ToWire(proof.Nonce),
        ManifestSha256 = ToWire(proof.ManifestDigest),
        Proven = ToWire(proof.ProvenFiles),
        BytesSelected = NotNegative(proof.SelectedBytes),
        BytesReadBack = NotNegative(proof.BytesReadBack),
        FromMs = proof.From.ToUnixTimeMilliseconds(),
        ToMs = proof.To.ToUnixTimeMilliseconds(),
        Client = ToWire(proof.Client, now),
        ProofId = ToWire(proof.ProofId),
    };

    private static Outcomes.Proof ToDomain(Protocol.Proof wire, Ports.ProveRequest asked, DateTimeOffset now)
    {
        if (ToId(wire.Id) != asked.Id || !wire.Nonce.Span.SequenceEqual(asked.Nonce.Span))
        {
            throw Malformed("a proof of another question");
        }

        if (wire.ManifestSha256.Length != DigestLength || wire.ProofId.Length == 0 || wire.Client is null)
        {
            throw Malformed("a proof without digest, name or client");
        }

        return new Outcomes.Proof
        {
            Id = asked.Id,
            Nonce = asked.Nonce,
            ManifestDigest = wire.ManifestSha256.Memory,
            ProvenFiles = wire.Proven.Memory,
            SelectedBytes = SaturateLong(wire.BytesSelected),
            BytesReadBack = SaturateLong(wire.BytesReadBack),
            From = FromUnix(wire.FromMs),
            To = FromUnix(wire.ToMs),
            Client = ToDomain(wire.Client, now)!,
            ProofId = ToToken(wire.ProofId, "proof's name"),
        };
    }

    private static ReadOnlyMemory<byte> ToToken(ByteString bytes, string what) =>
        bytes.Length <= MaxToken ? bytes.Memory : throw Malformed($"a {what} has {bytes.Length} bytes");
}
