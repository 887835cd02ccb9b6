using QbSync.Engine.Destination.Maintenance;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

internal sealed partial class TorrentSession
{
    private long _closedLackedFrom; // 0 while the client has it
    private bool _isForgetting;

    /// <summary>How long the client has lacked a torrent that was handed over and closed.</summary>
    public TimeSpan LackedClosedFor => Volatile.Read(ref _closedLackedFrom) is var from and not 0 ? _context.Time.GetElapsedTime(from) : TimeSpan.Zero;

    /// <summary>Ends an unfinished torrent that nobody asked for, unless somebody did meanwhile.</summary>
    public async Task<OrphanEnd> EndOrphanAsync(TimeSpan age)
    {
        var end = await _mailbox.AskAsync(() => DecideOrphan(age), OrphanEnd.Kept).ConfigureAwait(false);
        return end != OrphanEnd.Removed || await AbortAsync(AbortCause.Operator, AbortMode.Discard).ConfigureAwait(false) is AbortOutcome.Done ? end : OrphanEnd.Kept;
    }

    /// <summary>The record of a closed torrent that the client has no more goes; its files are the user's.</summary>
    public ValueTask<bool> ForgetClosedAsync() => _mailbox.PostAsync(() =>
    {
        if (_state is TorrentSessionState.Complete or TorrentSessionState.HandedOff && _storage is { Phase: StoredPhase.Closed } storage && !_isForgetting)
        {
            _isForgetting = true;
            _closing = DiscardAsync(storage, keepFiles: true, _ =>
            {
                Transition(TorrentSessionState.Absent, "closed, and the client has it no more");
                Retire();
            });
        }
    });

    private void NoteClosed(bool isLacking)
    {
        if (!isLacking)
        {
            Volatile.Write(ref _closedLackedFrom, 0);
        }
        else if (Volatile.Read(ref _closedLackedFrom) == 0)
        {
            Volatile.Write(ref _closedLackedFrom, _context.Time.GetTimestamp());
        }
    }

    private OrphanEnd DecideOrphan(TimeSpan age)
    {
        if (_isRetired || _isReshaping || Uncontacted < age)
        {
            return OrphanEnd.Kept;
        }

        if (!_view.NeedsNothing)
        {
            return _state is TorrentSessionState.Receiving or TorrentSessionState.Failed ? OrphanEnd.Removed : OrphanEnd.Kept;
        }

        if (_state != TorrentSessionState.Receiving)
        {
            return OrphanEnd.Kept;
        }

        BeginFinalizing(null, null, "no source asks for it, and everything had arrived");
        return OrphanEnd.Finalized;
    }
}
