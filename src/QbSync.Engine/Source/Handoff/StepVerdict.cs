namespace QbSync.Engine.Source.Handoff;

/// <summary>How a step ended, and why if not well.</summary>
/// <param name="Result">How.</param>
/// <param name="Reason">For people; empty after success.</param>
/// <param name="IsOfTracker">Whether a tracker refused, which is not tried again soon.</param>
/// <param name="Block">The kind of reason for which nothing is deleted.</param>
internal readonly record struct StepVerdict(StepResult Result, string Reason = "", bool IsOfTracker = false, DeleteBlock Block = DeleteBlock.None)
{
    public static StepVerdict Done => default;

    public static StepVerdict Failed(string reason, DeleteBlock block = DeleteBlock.None) => new(StepResult.Failed, reason, Block: block);
}
