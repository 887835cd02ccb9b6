using QbSync.Outcomes;

namespace QbSync.Engine.Source.Phases;

/// <summary>
/// Whether an operation of the destination stands still for no reason that it names. However long it takes is all right: hours of reading back, a turn
/// behind others, a hardlink whose other end is still to come. Belongs to one call.
/// </summary>
internal sealed class AdvanceWatch(TimeSpan began)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);
    private OperationProgress? _last;
    private TimeSpan _advancedAt = began;

    /// <summary>Takes what it tells now; true when it has told the same for too long.</summary>
    public bool IsStuck(OperationProgress progress, TimeSpan now)
    {
        if (progress is { Waiting: not null } or { Stage: FinalizeStage.Queued or FinalizeStage.Linking } || progress != _last)
        {
            (_last, _advancedAt) = (progress, now);
        }

        return now - _advancedAt >= Patience;
    }
}
