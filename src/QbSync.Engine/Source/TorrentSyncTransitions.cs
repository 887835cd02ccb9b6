using System.Collections.Frozen;
using State = QbSync.Engine.Source.TorrentSyncState;

namespace QbSync.Engine.Source;

/// <summary>The one table of which state may follow which. A pair that is not here is refused by the torrent's one transition method.</summary>
internal static class TorrentSyncTransitions
{
    private static readonly FrozenSet<TorrentSyncState> Births =
        new[] { State.Discovered, State.Synced, State.HandingOff, State.HandedOff, State.Failed, State.Excluded, State.Removing }.ToFrozenSet();

    private static readonly FrozenDictionary<TorrentSyncState, FrozenSet<TorrentSyncState>> Next =
        new Dictionary<TorrentSyncState, TorrentSyncState[]>
        {
            [State.Discovered] = [State.Initializing, State.Finalizing, State.Synced, State.Failed, State.Excluded, State.Removing],
            [State.Initializing] = [State.Streaming, State.Finalizing, State.Synced, State.Failed, State.Excluded, State.Removing],
            [State.Streaming] = [State.Initializing, State.Finalizing, State.Failed, State.Excluded, State.Removing],
            [State.Finalizing] = [State.Initializing, State.Streaming, State.Synced, State.Failed, State.Excluded, State.Removing],
            [State.Synced] = [State.Discovered, State.Initializing, State.HandingOff, State.Removing],
            [State.Failed] = [State.Discovered, State.Excluded, State.Removing],
            [State.Excluded] = [State.Discovered, State.Removing],
            [State.Removing] = [State.Removed, State.Discovered, State.Synced],
            [State.Removed] = [],
            [State.HandingOff] = [State.HandedOff, State.Synced],
            [State.HandedOff] = [State.Discovered],
        }.ToFrozenDictionary(pair => pair.Key, pair => pair.Value.ToFrozenSet());

    /// <summary>Whether a torrent may begin in a state.</summary>
    public static bool MayBegin(TorrentSyncState state) => Births.Contains(state);

    /// <summary>Whether <paramref name="next"/> may follow <paramref name="current"/>.</summary>
    public static bool MayFollow(TorrentSyncState current, TorrentSyncState next) => Next[current].Contains(next);
}
