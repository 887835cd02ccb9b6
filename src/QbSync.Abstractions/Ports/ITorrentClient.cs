using QbSync.Pieces;
using QbSync.Torrents;

namespace QbSync.Ports;

/// <summary>
/// A torrent client as the engines see it: qBittorrent by its WebAPI, or a folder. Thread-safe. Every method throws <see cref="TorrentClientException"/>
/// when the client could not do it; an answer of success to a change means taken, not done: a read decides.
/// </summary>
public interface ITorrentClient
{
    /// <summary>What the client is and can do. Cached; <paramref name="refresh"/> asks anew.</summary>
    ValueTask<ClientDescription> DescribeAsync(bool refresh, CancellationToken cancellationToken);

    /// <summary>
    /// The client's torrents, in full or as what changed since the last call. One call at a time.
    /// </summary>
    /// <param name="watched">Torrents that must be fresh even when a look at all of them is not due.</param>
    /// <param name="cancellationToken">Ends the call; the next one answers in full.</param>
    ValueTask<ClientUpdate> PollAsync(IReadOnlyCollection<ClientTorrentId> watched, CancellationToken cancellationToken);

    /// <summary>
    /// The torrent with one of these hashes under whatever id the client gives it, or null. Give both where it has both: a client may know a
    /// hybrid torrent by one of them alone.
    /// </summary>
    ValueTask<TorrentStatus?> FindAsync(InfoHash v1, InfoHash v2, CancellationToken cancellationToken);

    /// <summary>Fresh statuses of the ids that the client knows.</summary>
    ValueTask<IReadOnlyList<TorrentStatus>> GetAsync(IReadOnlyCollection<ClientTorrentId> ids, CancellationToken cancellationToken);

    /// <summary>The file list, in the client's order.</summary>
    ValueTask<IReadOnlyList<ClientFile>> GetFilesAsync(ClientTorrentId id, CancellationToken cancellationToken);

    /// <summary>The pieces that the client has. An answer of another length is <see cref="ClientFault.BrokenAnswer"/>.</summary>
    ValueTask<PieceBitmap> GetPiecesAsync(ClientTorrentId id, int pieceCount, CancellationToken cancellationToken);

    /// <summary>The <c>.torrent</c>. Secret: it may hold passkeys.</summary>
    ValueTask<byte[]> GetManifestAsync(ClientTorrentId id, CancellationToken cancellationToken);

    /// <summary>
    /// A torrent's trackers, without the client's own entries for DHT and the like; <see cref="TorrentTrackers.GetAnnounce"/> sums them up. Secret:
    /// an address may hold a passkey.
    /// </summary>
    ValueTask<IReadOnlyList<TorrentTracker>> GetTrackersAsync(ClientTorrentId id, CancellationToken cancellationToken);

    /// <summary>
    /// What the client warned of lately, oldest first, for the text of a reason and for nothing else: what is so is decided by states.
    /// </summary>
    ValueTask<IReadOnlyList<ClientLogLine>> GetLogAsync(CancellationToken cancellationToken);

    /// <summary>Adds a torrent, always stopped. Look with <see cref="FindAsync"/> before and after, whatever it answers.</summary>
    ValueTask<AddTorrentOutcome> AddAsync(AddTorrentRequest request, CancellationToken cancellationToken);

    /// <summary>Wants, or no longer wants, files by their index in the client's list.</summary>
    ValueTask SelectAsync(ClientTorrentId id, IReadOnlyCollection<int> fileIndices, bool wanted, CancellationToken cancellationToken);

    /// <summary>Sets all three share limits of torrents; what a client does not have among them it ignores.</summary>
    ValueTask SetShareLimitsAsync(IReadOnlyCollection<ClientTorrentId> ids, ShareLimits limits, CancellationToken cancellationToken);

    /// <summary>Renames a file within the torrent, on disk too; paths relative to the save path, <c>/</c> between parts.</summary>
    ValueTask RenameFileAsync(ClientTorrentId id, string oldPath, string newPath, CancellationToken cancellationToken);

    /// <summary>Checks the content on disk. Do not stop the torrent until that is over.</summary>
    ValueTask RecheckAsync(ClientTorrentId id, CancellationToken cancellationToken);

    /// <summary>Stops torrents. Without <paramref name="whileChecking"/> a checking one is <see cref="ClientFault.Conflict"/>, unsent.</summary>
    ValueTask StopAsync(IReadOnlyCollection<ClientTorrentId> ids, bool whileChecking, CancellationToken cancellationToken);

    /// <summary>Starts torrents. Without <paramref name="force"/>, one on the downloading side or in error is <see cref="ClientFault.Conflict"/>, unsent.</summary>
    ValueTask StartAsync(IReadOnlyCollection<ClientTorrentId> ids, bool force, CancellationToken cancellationToken);

    /// <summary>Adds tags; a tag that is empty or holds a comma is an argument error.</summary>
    ValueTask AddTagsAsync(IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken);

    /// <summary>Removes tags.</summary>
    ValueTask RemoveTagsAsync(IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken);

    /// <summary>Makes a category, without a save path of its own; one that exists is success, and a name that
    /// the client does not take is <see cref="ClientFault.Rejected"/>.</summary>
    ValueTask EnsureCategoryAsync(string name, CancellationToken cancellationToken);

    /// <summary>Sets the category.</summary>
    ValueTask SetCategoryAsync(IReadOnlyCollection<ClientTorrentId> ids, string category, CancellationToken cancellationToken);

    /// <summary>Moves a torrent's content to another save path. It goes on after the call; the state and the save path tell when it is done.</summary>
    ValueTask SetLocationAsync(IReadOnlyCollection<ClientTorrentId> ids, string savePath, CancellationToken cancellationToken);

    /// <summary>
    /// Removes torrents from the client, and their content if <paramref name="withFiles"/>; they are gone when a read says so. Even without, a
    /// client may remove its part file, so keep a copy of what is still needed. <see cref="ClientFault.Unsupported"/>, unsent, where the client
    /// would remove what there is of files that are not selected as well.
    /// </summary>
    ValueTask DeleteAsync(IReadOnlyCollection<ClientTorrentId> ids, bool withFiles, CancellationToken cancellationToken);

    /// <summary>Whether calls go through now: the engines' gate before the client.</summary>
    ClientAvailability Availability { get; }

    /// <summary>
    /// Tells each change of <see cref="Availability"/> but the end of a break, which is a matter of time alone. Raised outside any lock, on the
    /// thread of the call that caused it, so handlers must be quick; the state may have moved on when one runs.
    /// </summary>
    event Action<ClientAvailability>? AvailabilityChanged;
}
