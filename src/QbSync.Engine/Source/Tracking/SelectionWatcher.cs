using System.Buffers.Binary;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Tracking;

/// <summary>
/// When a torrent's priorities are read again: a file may be wanted or unwanted at any time, and a swap of two of the same size shows in no number. Right
/// before a finalization and before a delete they are read in any case. Pure; owned by the loop.
/// </summary>
internal sealed class SelectionWatcher
{
    private static readonly TimeSpan Apart = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan WhileStreaming = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan WhenSynced = TimeSpan.FromHours(1);

    // 5000 synced torrents an hour, with little to spare: a client that counts sizes anew must not be asked about all of a library at once.
    private const double SyncedPerSecond = 1.5;
    private const double AtOnce = 16;
    private double _credit = AtOnce;
    private TimeSpan _creditAt;

    /// <summary>When a torrent that is synced now counts as looked at, so that those that became it together are not looked at together.</summary>
    public static TimeSpan Spread(InfoHash id, TimeSpan now) =>
        now - (WhenSynced * (BinaryPrimitives.ReadUInt32BigEndian(id.ToArray()) / (double)uint.MaxValue));

    /// <summary>Whether the priorities of a torrent that streams are to be read.</summary>
    /// <param name="isDoubtful">Whether something the client said of it changed since.</param>
    public static bool IsDueStreaming(bool isDoubtful, TimeSpan lookedAt, TimeSpan now) => now - lookedAt >= (isDoubtful ? Apart : WhileStreaming);

    /// <summary>Whether the priorities of a synced torrent are to be read; <see cref="Look"/> says that they are.</summary>
    /// <param name="isDoubtful">Whether its size changed since.</param>
    public bool IsDueSynced(bool isDoubtful, TimeSpan lookedAt, TimeSpan now) =>
        now - lookedAt >= (isDoubtful ? Apart : WhenSynced) && Credit(now) >= 1;

    /// <summary>A synced torrent is looked at.</summary>
    public void Look(TimeSpan now) => (_credit, _creditAt) = (Credit(now) - 1, now);

    private double Credit(TimeSpan now) => Math.Min(AtOnce, _credit + ((now - _creditAt).TotalSeconds * SyncedPerSecond));
}
