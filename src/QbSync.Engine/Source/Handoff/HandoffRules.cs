using QbSync.Engine.Plans;
using QbSync.Engine.Source.Planning;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Handoff;

/// <summary>What is known of whether the destination seeds a torrent.</summary>
internal enum SeedingThere
{
    /// <summary>Not known now: asked again.</summary>
    Unknown = 0,

    /// <summary>Started by us and seen on the seeding side, or queued for it.</summary>
    Active = 1,

    /// <summary>Seen, and not seeding.</summary>
    Inactive = 2,
}

/// <summary>The quick rules of a handoff: facts in, a decision out. Pure.</summary>
internal static class HandoffRules
{
    private static readonly Shared.Backoff TurnedBackRest = new(TimeSpan.FromMinutes(30), TimeSpan.FromHours(24));
    private static readonly Shared.Backoff RefusedRest = new(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(30));

    /// <summary>Why a torrent that the client shows so may not be handed over for such a cause; null when it may.</summary>
    public static string? FindRefusal(TorrentStatus status, HandoffCause cause, SourceOptions options, DateTimeOffset now)
    {
        var handoff = options.Handoff;
        return Incomplete(status) ?? Forbidden(status, options.ExcludeSyncTag)
            ?? (cause == HandoffCause.Drain ? null : Never(handoff) ?? Kept(status, handoff.ExcludeCleanupTag) ?? TooYoung(status, handoff, now));
    }

    /// <summary>Every condition of <see cref="FindRefusal"/> but in a drain, in the order in which they are asked, as they are now.</summary>
    public static IEnumerable<PlanCondition> Conditions(TorrentStatus status, SourceOptions options, DateTimeOffset now)
    {
        var handoff = options.Handoff;
        yield return Condition("it is complete here", Incomplete(status), $"the client says {status.State}");
        yield return Condition("no tag forbids it", Forbidden(status, options.ExcludeSyncTag), TagValue(status, options.ExcludeSyncTag), "exclude-sync-tag");
        yield return Condition("handing over is wanted", Never(handoff), handoff.Mode.ToString().ToLowerInvariant(), "handoff");
        yield return Condition("no tag keeps it", Kept(status, handoff.ExcludeCleanupTag), TagValue(status, handoff.ExcludeCleanupTag), "exclude-cleanup-tag");
        yield return Condition(
            "it has seeded long enough",
            TooYoung(status, handoff, now),
            $"{PlanWords.Time(SeedingTimeOf(status, now))} of {PlanWords.Time(handoff.MinSeedingTime)}",
            "min-seeding-time");

        static PlanCondition Condition(string name, string? refusal, string value, string? option = null) =>
            new(PlanTopic.Handoff, name, refusal is null, value, option);
    }

    /// <summary>Whether a torrent has yet to seed before it may go.</summary>
    public static string? TooYoung(TorrentStatus status, HandoffOptions handoff, DateTimeOffset now) =>
        SeedingTimeOf(status, now) < handoff.MinSeedingTime ? "it has not seeded long enough" : null;

    /// <summary>How long it has seeded: by the client, else since it was complete; unknown is not at all.</summary>
    public static TimeSpan SeedingTimeOf(TorrentStatus status, DateTimeOffset now) => status switch
    {
        { SeedingTime: { } told } => told,
        { CompletedAt: { } completed } => now - completed,
        _ => TimeSpan.Zero,
    };

    /// <summary>What a status of the destination says of its seeding.</summary>
    public static SeedingThere JudgeThere(DestinationTorrentStatus status) => status switch
    {
        { State: DestinationTorrentState.Unknown } => SeedingThere.Unknown,
        { State: DestinationTorrentState.HandedOff, Client: null } => SeedingThere.Unknown,
        { State: DestinationTorrentState.HandedOff, Client: { } client } => JudgeClient(client),
        // Active there before the answer to our start: who started it is not known yet.
        { State: DestinationTorrentState.Complete, Client: { } client } when JudgeClient(client) == SeedingThere.Active => SeedingThere.Unknown,
        { State: DestinationTorrentState.Finalizing, Refusal: { } refusal } when refusal.Reason == RefusalReason.Uncertain
            || refusal.Reason.GetKind() == RefusalKind.Wait => SeedingThere.Unknown,
        _ => SeedingThere.Inactive,
    };

    /// <summary>Whether an answer to Withdraw says that nothing of ours seeds there.</summary>
    public static bool IsWithdrawn(WithdrawOutcome outcome) => outcome switch
    {
        // Seeding that was confirmed to be the user's is not taken back, nor is it ours.
        WithdrawOutcome.Refused { Refusal.Reason: RefusalReason.HandedOff } => true,
        WithdrawOutcome.Done => true,
        _ => false,
    };

    /// <summary>How long a group rests after it turned back.</summary>
    public static TimeSpan RestAfter(int failures, bool wasRefusedByTracker, HandoffResult result) => wasRefusedByTracker
        ? TimeSpan.FromHours(6)
        : (result == HandoffResult.Refused ? RefusedRest : TurnedBackRest).After(failures);

    private static SeedingThere JudgeClient(ClientView client) => client.State switch
    {
        ClientTorrentState.Uploading or ClientTorrentState.StalledUp or ClientTorrentState.ForcedUp or ClientTorrentState.QueuedUp
            when client is { Progress: >= 1.0, BytesLeft: 0 } => SeedingThere.Active,
        ClientTorrentState.Unknown or ClientTorrentState.CheckingUp or ClientTorrentState.CheckingResumeData or ClientTorrentState.Moving =>
            SeedingThere.Unknown,
        _ => SeedingThere.Inactive,
    };

    private static string? Incomplete(TorrentStatus status) =>
        ClientClasses.Of(status) != ClientClass.Complete ? $"it is not complete here ({status.State})" : null;

    private static string? Forbidden(TorrentStatus status, string tag) => Has(status, tag) ? $"the tag '{tag}' forbids it" : null;

    private static string? Never(HandoffOptions handoff) => handoff.Mode == HandoffMode.Never ? "handoff is 'never', but for a drain" : null;

    private static string? Kept(TorrentStatus status, string tag) => Has(status, tag) ? $"the tag '{tag}' keeps it" : null;

    private static string TagValue(TorrentStatus status, string tag) => PlanWords.Tag(tag, Has(status, tag));

    private static bool Has(TorrentStatus status, string tag) => tag.Length > 0 && status.Tags.Contains(tag);
}
