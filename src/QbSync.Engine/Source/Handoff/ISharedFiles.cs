using QbSync.Ports;

namespace QbSync.Engine.Source.Handoff;

/// <summary>Tells which torrents of a group share a file with one that stays. Thread-safe.</summary>
internal interface ISharedFiles
{
    /// <summary>
    /// The members with a path that a torrent outside of the group uses, too: their entries go without files. Null when that cannot be told now.
    /// </summary>
    /// <param name="members">The group, as the client names it.</param>
    /// <param name="list">Every torrent of the client, asked for after the last of them was stopped.</param>
    /// <param name="cancellationToken">Ends the look.</param>
    Task<IReadOnlySet<ClientTorrentId>?> FindAsync(IReadOnlyCollection<ClientTorrentId> members, ClientUpdate list, CancellationToken cancellationToken);
}
