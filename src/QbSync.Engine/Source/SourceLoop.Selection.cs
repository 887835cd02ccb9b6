using QbSync.Engine.Source.Phases;
using QbSync.Engine.Source.Records;
using QbSync.Engine.Source.Tracking;
using QbSync.Engine.Status;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

/// <summary>Which files of a torrent are wanted, and what follows when that changes.</summary>
internal sealed partial class SourceLoop
{
    private static readonly TimeSpan ReopeningsApart = TimeSpan.FromMinutes(1);
    private readonly SelectionWatcher _selections = new();

    private bool IsLookDue(TorrentSync sync) => sync.State switch
    {
        TorrentSyncState.Streaming => SelectionWatcher.IsDueStreaming(sync.NeedsLook, sync.LookedAt, Now),
        TorrentSyncState.Synced => sync.Completion is not null && _selections.IsDueSynced(sync.NeedsLook, sync.LookedAt, Now),
        _ => false,
    };

    private void BeginLook(TorrentSync sync)
    {
        if (sync.State == TorrentSyncState.Synced)
        {
            _selections.Look(Now);
        }

        // What changes from here on asks for another look.
        (sync.NeedsLook, sync.IsLooking) = (false, true);
        sync.LookedAt = Now;
        StartPhase(sync, (input, _, token) => _work.LookAsync(input, token));
    }

    /// <summary>A look that failed has yet to be done; until then nothing of it is taken for current.</summary>
    private static void LookEnded(TorrentSync sync, PhaseResult result)
    {
        sync.NeedsLook |= sync.IsLooking && result is PhaseResult.Held or PhaseResult.Faulted;
        sync.IsLooking = false;
    }

    private void OnLooked(TorrentSync sync, PhaseResult.Looked looked)
    {
        switch (sync.State)
        {
            case TorrentSyncState.Streaming when looked.Content is { } content && !content.Selection.Equals(sync.Content!.Selection):
                sync.Transition(TorrentSyncState.Initializing, "its selection changed");
                break;
            case TorrentSyncState.Streaming when looked.Content is { } content:
                // What the destination was told is kept: it hears of another folder or name before it makes the torrent final.
                sync.Content = content with { Torrent = null, Told = sync.Content!.Told };
                sync.Stream!.Location = content.Location;
                sync.Finalize = PhaseWork.FinalizeOf(content);
                Persist(sync);
                break;
            case TorrentSyncState.Synced when sync.Completion is { } record:
                OnLookedAtSynced(sync, record, looked);
                break;
        }
    }

    private void OnLookedAtSynced(TorrentSync sync, CompletionRecord record, PhaseResult.Looked looked)
    {
        if (looked.Content is { } content)
        {
            sync.WantsNothing = content.Selection.IsEmpty;
            if (IsLackingThere(content, record))
            {
                sync.Superseded = record;
                (sync.Completion, sync.AllArrived) = (null, false);
                sync.ArrivedAt = sync.FinishedAt = null;
                sync.OwesResync = sync.Transition(TorrentSyncState.Initializing, "its selection changed");
                Persist(sync);
                return;
            }

            record = record with { ClientFiles = content.ClientFiles.ToArray() };
            if (record.Adopted && Selection.TryFromBytes(content.Manifest, record.Selection, out var there))
            {
                sync.Finalize = PhaseWork.FinalizeOf(content) with { Fingerprint = there!.Fingerprint(sync.Id) };
            }
        }

        if (looked.Content is not null || record.ClientSelectedSize != looked.SelectedSize)
        {
            sync.Completion = record with { ClientSelectedSize = looked.SelectedSize };
            Persist(sync);
        }
    }

    /// <summary>
    /// Whether what is wanted here differs from what was finalized there. What was found complete there may be more than is wanted here; when it is not known,
    /// nothing is concluded from that; and where nothing is wanted any more, what is there stays.
    /// </summary>
    private static bool IsLackingThere(TorrentContent content, CompletionRecord record) =>
        !content.Selection.IsEmpty
        && Selection.TryFromBytes(content.Manifest, record.Selection, out var there)
        && (record.Adopted ? !there!.Covers(content.Selection) : !there!.Equals(content.Selection));

    /// <summary>What a complete torrent holds there, told with its status.</summary>
    private void OnSelectionThere(TorrentSync sync, CompletionRecord record, ReadOnlySpan<byte> there)
    {
        var isUnknown = record.Selection.Length == 0;
        if (there.IsEmpty || (!isUnknown && (there.Length != record.Selection.Length || Covers(there, record.Selection))))
        {
            return;
        }

        // All files that are wanted here may be among those all the same: a look at the client's priorities decides.
        sync.Completion = record with { Selection = there.ToArray(), Adopted = true, ClientFiles = [] };
        sync.NeedsLook = true;
        Persist(sync);
    }

    private static bool Covers(ReadOnlySpan<byte> there, ReadOnlySpan<byte> wanted)
    {
        for (var i = 0; i < wanted.Length; i++)
        {
            if ((wanted[i] & ~there[i]) != 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The destination opened the torrent with the selection that it was told.</summary>
    private void OnSelectionTaken(TorrentSync sync)
    {
        if (sync.OwesResync)
        {
            sync.OwesResync = false;
            _with.Metrics.SelectionResynced();
        }
    }

    /// <summary>Bytes of a synced torrent that its record of before did not hold.</summary>
    private static long NewBytes(TorrentSync sync, CompletionRecord? before)
    {
        if (sync.Content is not { } content || before is null || !Selection.TryFromBytes(content.Manifest, before.Selection, out var had))
        {
            return sync.Completion!.SelectedBytes;
        }

        return content.Manifest.Files.Where(file => content.Selection.IsSelected(file.Index) && !had!.IsSelected(file.Index)).Sum(static file => file.Length);
    }

    /// <summary>
    /// The destination has to be told of the torrent again. Once that is for a reason that shows; one that asks for it again and again is not obeyed at the
    /// speed of the network.
    /// </summary>
    private void OnOpenAnew(TorrentSync sync, string why)
    {
        sync.Answer = null;
        sync.Reopenings = Now - sync.ReopenedAt < ReopeningsApart ? sync.Reopenings + 1 : 0;
        sync.ReopenedAt = Now;
        if (sync.Transition(TorrentSyncState.Initializing, why) && sync.Reopenings > 2)
        {
            sync.Failures = sync.Reopenings - 3;
            Rest(sync, WaitingReason.Peer, FaultClass.TransientPeer, null, why);
        }
    }

    /// <summary>What Finalize is told is kept as the client shows it, so that it can be called when the client no longer does.</summary>
    private void KeepParameters(TorrentSync sync, TorrentStatus? before, TorrentStatus status)
    {
        if (sync is not
            {
                State: TorrentSyncState.Initializing or TorrentSyncState.Streaming or TorrentSyncState.Finalizing, Content: { } content, Finalize: { } known,
            }
            || (before is not null && before.Category == status.Category && before.Tags.SetEquals(status.Tags) && before.Limits == status.Limits
                && before.CompletedAt == status.CompletedAt))
        {
            return;
        }

        sync.Finalize = PhaseWork.FinalizeOf(content with { Parameters = _loader.ParametersOf(status) }) with { Fingerprint = known.Fingerprint };
        Persist(sync);
    }
}
