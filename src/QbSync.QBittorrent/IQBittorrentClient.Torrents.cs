using QbSync.Pieces;
using QbSync.Ports;
using QbSync.QBittorrent.Models;

namespace QbSync.QBittorrent;

public partial interface IQBittorrentClient
{
    /// <summary>Torrents (<c>torrents/info</c>): all, or those of the ids that the client knows; unknown ones are left out.</summary>
    /// <param name="ids">1 to 64, as the client names them: the v1 hash, or the v2 hash cut to 40 digits. Null: all torrents.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    Task<IReadOnlyList<TorrentRecord>> GetTorrentsAsync(IReadOnlyCollection<ClientTorrentId>? ids, CancellationToken cancellationToken);

    /// <summary>
    /// A torrent's files in the client's order (<c>torrents/files</c>); none without metadata. Pad files are hidden, but not before 4.4.
    /// </summary>
    /// <exception cref="TorrentClientException"><see cref="ClientFault.NotFound"/>: the client does not know the torrent.</exception>
    Task<IReadOnlyList<FileRecord>> GetFilesInformationAsync(ClientTorrentId id, CancellationToken cancellationToken);

    /// <summary>
    /// The pieces that the client has (<c>torrents/pieceStates</c>). They change at its ticks, and mean nothing while it checks.
    /// </summary>
    /// <param name="id">The torrent.</param>
    /// <param name="pieceCount">How many pieces it has, at least 1; an answer of another length is <see cref="ClientFault.BrokenAnswer"/>.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="TorrentClientException"><see cref="ClientFault.NotFound"/>: the client does not know the torrent.</exception>
    Task<PieceBitmap> GetTorrentPieceStatesAsync(ClientTorrentId id, int pieceCount, CancellationToken cancellationToken);

    /// <summary>
    /// SHA-1 of each piece (<c>torrents/pieceHashes</c>), 20 bytes each. Of a torrent that has a v2 hash alone the server tells
    /// nonsense.
    /// </summary>
    /// <exception cref="TorrentClientException"><see cref="ClientFault.NotFound"/>: the client does not know the torrent.</exception>
    Task<IReadOnlyList<ReadOnlyMemory<byte>>> GetTorrentPieceHashesAsync(ClientTorrentId id, CancellationToken cancellationToken);

    /// <summary>What the lists do not tell of a torrent (<c>torrents/properties</c>).</summary>
    /// <exception cref="TorrentClientException"><see cref="ClientFault.NotFound"/>: the client does not know the torrent.</exception>
    Task<TorrentPropertiesRecord> GetTorrentPropertiesAsync(ClientTorrentId id, CancellationToken cancellationToken);

    /// <summary>
    /// A torrent's trackers (<c>torrents/trackers</c>), the client's pseudo entries for DHT, PeX and LSD included. Secret: addresses may hold
    /// passkeys.
    /// </summary>
    /// <exception cref="TorrentClientException"><see cref="ClientFault.NotFound"/>: the client does not know the torrent.</exception>
    Task<IReadOnlyList<TrackerRecord>> GetTrackersAsync(ClientTorrentId id, CancellationToken cancellationToken);

    /// <summary>
    /// The <c>.torrent</c> (<c>torrents/export</c>, from 4.5 on). Its <c>info</c> is the original's, what lies around it may not be. Secret:
    /// it may hold passkeys.
    /// </summary>
    /// <exception cref="TorrentClientException">
    /// <see cref="ClientFault.Unsupported"/>: before 4.5, unsent. <see cref="ClientFault.NotFound"/>: the client does not know the torrent.
    /// <see cref="ClientFault.Conflict"/>: it has no metadata yet.
    /// </exception>
    Task<byte[]> ExportTorrentAsync(ClientTorrentId id, CancellationToken cancellationToken);

    /// <summary>
    /// Adds a torrent, stopped (<c>torrents/add</c>). A torrent that is there already stays as it is, whatever the answer; look before and after.
    /// Before 4.3.2 tags are ignored.
    /// </summary>
    /// <exception cref="TorrentClientException">
    /// <see cref="ClientFault.Unsupported"/>: the server would change the save path, or the <c>.torrent</c> is over 63 MiB; unsent.
    /// <see cref="ClientFault.OutcomeUnknown"/>: the answer was lost.
    /// </exception>
    Task<AddTorrentOutcome> AddTorrentFromMemoryAsync(AddTorrentForm form, CancellationToken cancellationToken);

    /// <summary>
    /// Stops (<c>torrents/stop</c>; before 5.0 <c>torrents/pause</c>); seen within a second or so. A stop while the client checks loses what the
    /// check found.
    /// </summary>
    Task StopAsync(IReadOnlyCollection<ClientTorrentId> ids, CancellationToken cancellationToken);

    /// <summary>
    /// Starts (<c>torrents/start</c>; before 5.0 <c>torrents/resume</c>); seen within 2 s or so. A torrent that lacks content downloads it, over
    /// files that are there.
    /// </summary>
    Task ResumeAsync(IReadOnlyCollection<ClientTorrentId> ids, CancellationToken cancellationToken);

    /// <summary>Checks the content (<c>torrents/recheck</c>). For a tick or so afterwards answers may still be those of before.</summary>
    /// <exception cref="TorrentClientException"><see cref="ClientFault.OutcomeUnknown"/>: the answer was lost.</exception>
    Task RecheckAsync(IReadOnlyCollection<ClientTorrentId> ids, CancellationToken cancellationToken);

    /// <summary>Removes torrents (<c>torrents/delete</c>).</summary>
    /// <param name="ids">1 to 64.</param>
    /// <param name="deleteFiles">
    /// Whether their content goes as well. Even without, libtorrent's <c>.parts</c> file does, and before 4.5 what there is of files of priority 0.
    /// </param>
    /// <param name="cancellationToken">Ends the call.</param>
    Task DeleteTorrentsAsync(IReadOnlyCollection<ClientTorrentId> ids, bool deleteFiles, CancellationToken cancellationToken);
}
