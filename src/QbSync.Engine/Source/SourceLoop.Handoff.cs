using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Source.Planning;

namespace QbSync.Engine.Source;

internal sealed partial class SourceLoop
{
    /// <summary>Why a torrent may not be handed over for such a cause; null when it may. Quick facts only: the first step asks again, both sides.</summary>
    private string? HandoffRefusal(TorrentSync sync, HandoffCause cause)
    {
        var isDrain = cause == HandoffCause.Drain;
        return sync switch
        {
            { State: not TorrentSyncState.Synced } => $"it is {sync.State}",
            { Status: not { } } => "the client does not list it",
            { Completion: null } or { NeedsLook: true } => "its record is not known to be current",
            { Hold: { } hold } => hold.Text,
            { IsBusy: true } => "it is being looked at",
            { Class: not ClientClass.Complete } => $"it is not complete here ({sync.Status.State})",
            _ when IsExcluded(sync.Status) => ExcludedByTag,
            _ when _options.Handoff.Mode == HandoffMode.Never && !isDrain => "handoff is never, but for a drain",
            _ when !isDrain && IsKeptByTag(sync) => $"the tag '{_options.Handoff.ExcludeCleanupTag}' keeps it",
            _ when !isDrain && SeedingTimeOf(sync) < _options.Handoff.MinSeedingTime => "it has not seeded long enough",
            _ => null,
        };
    }

    /// <summary>How long it has seeded: by the client, else since it was complete; unknown is not at all.</summary>
    private TimeSpan SeedingTimeOf(TorrentSync sync) => sync.Status switch
    {
        { SeedingTime: { } told } => told,
        { CompletedAt: { } completed } => _with.Clock.WallNow - completed,
        _ => TimeSpan.Zero,
    };

    private bool IsKeptByTag(TorrentSync sync) =>
        _options.Handoff.ExcludeCleanupTag.Length > 0 && sync.Status!.Tags.Contains(_options.Handoff.ExcludeCleanupTag);

    /// <summary>
    /// Takes a group on its way out: every member is in <see cref="TorrentSyncState.HandingOff"/> until the group ended. False, with nothing changed,
    /// when one of them may not go.
    /// </summary>
    private bool BeginHandoff(HandoffGroup group) => false;

    /// <summary>
    /// Has every group that is on its way turn back, and begins none any more: what has deleted something goes on to its end, all else is active here again.
    /// Ends when they have ended.
    /// </summary>
    private Task TurnBackHandoffsAsync(string reason) => Task.CompletedTask;

    /// <summary>A group ended: its members are in the state that follows.</summary>
    private void OnHandoffEnded(HandoffGroup group, HandoffEnd end)
    {
        CleanupEnded(group, end);
        DrainEnded(group, end);
    }
}
