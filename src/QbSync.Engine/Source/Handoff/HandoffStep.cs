using System.Collections.Frozen;

namespace QbSync.Engine.Source.Handoff;

/// <summary>Where the handoff of a group stands. The journal names a step before the step is tried.</summary>
internal enum HandoffStep
{
    /// <summary>No step: an entry that was not written yet.</summary>
    None = 0,

    /// <summary>The destination is asked for a proof; nothing is touched yet.</summary>
    Prepared = 1,

    /// <summary>Stopped here.</summary>
    Stopping = 2,

    /// <summary>Started there.</summary>
    Starting = 3,

    /// <summary>Seen active there, twice.</summary>
    Verifying = 4,

    /// <summary>A tracker takes the destination's announce.</summary>
    Announcing = 5,

    /// <summary>The grace time passes.</summary>
    Waiting = 6,

    /// <summary>Proven there, in the moment before the delete.</summary>
    Proving = 7,

    /// <summary>Deleted here.</summary>
    Deleting = 8,

    /// <summary>The destination is told that the source's data is gone.</summary>
    Confirming = 9,

    /// <summary>Stopped there, then active here again.</summary>
    RollingBack = 10,

    /// <summary>Both sides seed, since the user allows it for a while.</summary>
    Overlapping = 11,

    /// <summary>An end: nothing is open on either side.</summary>
    Closed = 12,
}

/// <summary>How a step ended.</summary>
internal enum StepResult
{
    /// <summary>What it is for was seen.</summary>
    Done = 0,

    /// <summary>It was refused, or not seen in time.</summary>
    Failed = 1,

    /// <summary>The destination has said nothing for so long that the source seeds again, whatever is there.</summary>
    Silent = 2,

    /// <summary>A member was removed from the client by somebody else.</summary>
    Removed = 3,

    /// <summary>A delete did not take effect: it is tried again after a new proof.</summary>
    Again = 4,
}

/// <summary>What follows a step.</summary>
/// <param name="Bound">How long it may take while the destination answers; null for as long as it takes.</param>
/// <param name="Done">After success.</param>
/// <param name="Failed">After anything else.</param>
internal readonly record struct StepRow(TimeSpan? Bound, HandoffStep Done, HandoffStep Failed);

/// <summary>The one table of the handoff: bound of each step, and what follows it.</summary>
internal static class HandoffSteps
{
    private static readonly FrozenDictionary<HandoffStep, StepRow> Exclusive = new Dictionary<HandoffStep, StepRow>
    {
        [HandoffStep.Prepared] = new(Seconds(30), HandoffStep.Stopping, HandoffStep.Closed),
        [HandoffStep.Stopping] = new(Seconds(30), HandoffStep.Starting, HandoffStep.RollingBack),
        [HandoffStep.Starting] = new(Seconds(40), HandoffStep.Verifying, HandoffStep.RollingBack),
        [HandoffStep.Verifying] = new(Seconds(60), HandoffStep.Announcing, HandoffStep.RollingBack),
        [HandoffStep.Announcing] = new(null, HandoffStep.Waiting, HandoffStep.RollingBack),
        [HandoffStep.Waiting] = new(null, HandoffStep.Proving, HandoffStep.RollingBack),
        [HandoffStep.Proving] = new(Seconds(30), HandoffStep.Deleting, HandoffStep.RollingBack),
        [HandoffStep.Deleting] = new(Seconds(60), HandoffStep.Confirming, HandoffStep.RollingBack),
        [HandoffStep.Confirming] = new(Seconds(60), HandoffStep.Closed, HandoffStep.Confirming),
        [HandoffStep.RollingBack] = new(Seconds(60), HandoffStep.Closed, HandoffStep.RollingBack),
    }.ToFrozenDictionary();

    // The destination is started first, and the stop here comes after the time in which both may seed.
    private static readonly FrozenDictionary<HandoffStep, StepRow> Overlapping = new Dictionary<HandoffStep, StepRow>(Exclusive)
    {
        [HandoffStep.Prepared] = Exclusive[HandoffStep.Prepared] with { Done = HandoffStep.Starting },
        [HandoffStep.Announcing] = Exclusive[HandoffStep.Announcing] with { Done = HandoffStep.Overlapping },
        [HandoffStep.Overlapping] = new(null, HandoffStep.Stopping, HandoffStep.RollingBack),
        [HandoffStep.Stopping] = Exclusive[HandoffStep.Stopping] with { Done = HandoffStep.Waiting },
    }.ToFrozenDictionary();

    /// <summary>The row of a step.</summary>
    public static StepRow Of(HandoffStep step, bool overlaps) => (overlaps ? Overlapping : Exclusive)[step];

    /// <summary>The step after one that ended so.</summary>
    /// <param name="anyGone">Whether a member is deleted here: from then on silence turns nothing back, and what is done has to be confirmed.</param>
    public static HandoffStep Next(HandoffStep step, bool overlaps, StepResult result, bool anyGone)
    {
        var row = Of(step, overlaps);
        return (step, result) switch
        {
            (HandoffStep.Deleting, StepResult.Again) => HandoffStep.Proving,
            (HandoffStep.Proving, StepResult.Silent) when anyGone => HandoffStep.Proving,
            (HandoffStep.RollingBack, StepResult.Done) when anyGone => HandoffStep.Confirming,
            (HandoffStep.Prepared, StepResult.Removed) => HandoffStep.RollingBack,
            (_, StepResult.Done) => row.Done,
            _ => row.Failed,
        };
    }

    /// <summary>Whether <paramref name="next"/> may follow; all else is a fault of this program.</summary>
    public static bool MayFollow(HandoffStep step, bool overlaps, HandoffStep next) => step == HandoffStep.None
        ? next == HandoffStep.Prepared
        : step != HandoffStep.Closed && (next == Of(step, overlaps).Done || next == Of(step, overlaps).Failed || (step, next) is
            (HandoffStep.Deleting, HandoffStep.Proving) or (HandoffStep.Proving, HandoffStep.Proving)
            or (HandoffStep.RollingBack, HandoffStep.Confirming) or (HandoffStep.Prepared, HandoffStep.RollingBack));

    private static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);
}
