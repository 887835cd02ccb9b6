using QbSync.Pieces;
using QbSync.Ports;
using QbSync.QBittorrent.Models;

namespace QbSync.QBittorrent;

/// <summary>
/// The qBittorrent WebAPI, a method per endpoint. Thread-safe. Every call logs in when it must, is retried where that is safe, and throws
/// <see cref="TorrentClientException"/>. An answered change is a request taken, not a thing done: look before you rely on it.
/// </summary>
public interface IQBittorrentClient
{
    /// <summary>Logs in, unless that holds already or is not needed. Every other method does it by itself.</summary>
    Task LoginAsync(CancellationToken cancellationToken);

    /// <summary>Gives the login back, if there is one.</summary>
    Task LogoutAsync(CancellationToken cancellationToken);

    /// <summary>Version of the WebAPI.</summary>
    Task<string> GetWebApiVersionAsync(CancellationToken cancellationToken);

    /// <summary>Version of the client, as in <c>v5.1.0</c>.</summary>
    Task<string> GetVersionAsync(CancellationToken cancellationToken);

    /// <summary>What the client is made of.</summary>
    Task<BuildInfoRecord> GetBuildInfoAsync(CancellationToken cancellationToken);

    /// <summary>The settings that matter here.</summary>
    Task<AppPreferencesRecord> GetAppPreferencesAsync(CancellationToken cancellationToken);

    /// <summary>Everything (<paramref name="rid"/> 0), or what changed since the answer of that number.</summary>
    Task<MainDataRecord> GetMainDataAsync(long rid, CancellationToken cancellationToken);

    /// <summary>All torrents (null), or those of the ids that the client knows.</summary>
    Task<IReadOnlyList<TorrentRecord>> GetTorrentsAsync(IReadOnlyCollection<ClientTorrentId>? ids, CancellationToken cancellationToken);

    /// <summary>A torrent's files in the client's order.</summary>
    Task<IReadOnlyList<FileRecord>> GetFilesInformationAsync(ClientTorrentId id, CancellationToken cancellationToken);

    /// <summary>The pieces that the client has; an answer of another length is <see cref="ClientFault.BrokenAnswer"/>.</summary>
    Task<PieceBitmap> GetTorrentPieceStatesAsync(ClientTorrentId id, int pieceCount, CancellationToken cancellationToken);

    /// <summary>The <c>.torrent</c>. Secret: it may hold passkeys. Needs qBittorrent 4.5.</summary>
    Task<byte[]> ExportTorrentAsync(ClientTorrentId id, CancellationToken cancellationToken);

    /// <summary>Adds a torrent, stopped.</summary>
    Task<AddTorrentOutcome> AddTorrentFromMemoryAsync(AddTorrentForm form, CancellationToken cancellationToken);

    /// <summary>Stops (before 5.0: pauses).</summary>
    Task StopAsync(IReadOnlyCollection<ClientTorrentId> ids, CancellationToken cancellationToken);

    /// <summary>Starts (before 5.0: resumes).</summary>
    Task ResumeAsync(IReadOnlyCollection<ClientTorrentId> ids, CancellationToken cancellationToken);

    /// <summary>Checks the content.</summary>
    Task RecheckAsync(IReadOnlyCollection<ClientTorrentId> ids, CancellationToken cancellationToken);

    /// <summary>Adds tags.</summary>
    Task AddTagsAsync(IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken);

    /// <summary>Removes tags.</summary>
    Task RemoveTagsAsync(IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken);

    /// <summary>Categories by name.</summary>
    Task<IReadOnlyDictionary<string, CategoryRecord>> GetCategoriesAsync(CancellationToken cancellationToken);

    /// <summary>Makes a category; one that exists is <see cref="ClientFault.Conflict"/>.</summary>
    Task CreateCategoryAsync(string name, CancellationToken cancellationToken);

    /// <summary>Sets the category; an empty name takes it away, one that does not exist is <see cref="ClientFault.Conflict"/>.</summary>
    Task SetCategoryAsync(IReadOnlyCollection<ClientTorrentId> ids, string category, CancellationToken cancellationToken);

    /// <summary>Sets the priority of files; 0 is not wanted, 1 is normal.</summary>
    Task SetFilePriorityAsync(ClientTorrentId id, IReadOnlyCollection<int> indices, int priority, CancellationToken cancellationToken);

    /// <summary>Renames a file within its torrent. Needs qBittorrent 4.3.5.</summary>
    Task RenameFileAsync(ClientTorrentId id, string oldPath, string newPath, CancellationToken cancellationToken);

    /// <summary>Moves content to another save path; it goes on after the answer. A folder that cannot be used is <see cref="ClientFault.Conflict"/>.</summary>
    Task SetLocationAsync(IReadOnlyCollection<ClientTorrentId> ids, string location, CancellationToken cancellationToken);

    /// <summary>A torrent's trackers, the client's pseudo entries for DHT, PeX and LSD included.</summary>
    Task<IReadOnlyList<TrackerRecord>> GetTrackersAsync(ClientTorrentId id, CancellationToken cancellationToken);
}
