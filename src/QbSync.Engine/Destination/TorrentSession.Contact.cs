using QbSync.Ports;

namespace QbSync.Engine.Destination;

internal sealed partial class TorrentSession
{
    private long _contactAt;
    private long _countsFrom;
    private TimeSpan _uncontactedBefore;

    /// <summary>
    /// How long this destination ran without hearing of the torrent: neither a call nor a piece. Wall clocks do not count, nor does time in which it did
    /// not run.
    /// </summary>
    public TimeSpan Uncontacted => Volatile.Read(ref _contactAt) is var contact && contact > _countsFrom
        ? _context.Time.GetElapsedTime(contact)
        : _uncontactedBefore + _context.Time.GetElapsedTime(_countsFrom);

    /// <summary>The source called, or sent. Called for each piece.</summary>
    public void Contacted() => Volatile.Write(ref _contactAt, _context.Time.GetTimestamp());

    /// <summary>Writes the time without contact down, so that a restart does not begin it anew. In the lane, since it is disk work.</summary>
    public void RecordContact()
    {
        if (_view is { State: TorrentSessionState.Receiving or TorrentSessionState.Failed, Storage: { } storage } && !_isReshaping)
        {
            var uncontacted = Uncontacted;
            _lane.Enqueue(lease => RunAsync("record of contact", token => storage.SetUncontactedAsync(uncontacted, token).AsTask(), lease));
        }
    }

    private void RestoreContact(ITorrentStorage storage)
    {
        _uncontactedBefore = storage.Uncontacted;
        _countsFrom = _context.Time.GetTimestamp();
    }
}
