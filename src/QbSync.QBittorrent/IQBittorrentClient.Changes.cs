using QbSync.Ports;
using QbSync.QBittorrent.Models;

namespace QbSync.QBittorrent;

public partial interface IQBittorrentClient
{
    /// <summary>Adds tags (<c>torrents/addTags</c>, from 4.2 on); those that do not exist yet are made.</summary>
    Task AddTagsAsync(IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken);

    /// <summary>Removes tags from torrents (<c>torrents/removeTags</c>, from 4.2 on); the tags themselves stay.</summary>
    Task RemoveTagsAsync(IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken);

    /// <summary>Categories by name (<c>torrents/categories</c>).</summary>
    Task<IReadOnlyDictionary<string, CategoryRecord>> GetCategoriesAsync(CancellationToken cancellationToken);

    /// <summary>Makes a category without a save path of its own (<c>torrents/createCategory</c>).</summary>
    /// <exception cref="TorrentClientException">
    /// <see cref="ClientFault.Conflict"/>: it exists, or cannot have that name. <see cref="ClientFault.Rejected"/>: some versions say this of
    /// such a name.
    /// </exception>
    Task CreateCategoryAsync(string name, CancellationToken cancellationToken);

    /// <summary>Sets the category of torrents (<c>torrents/setCategory</c>); an empty name takes it away.</summary>
    /// <exception cref="TorrentClientException"><see cref="ClientFault.Conflict"/>: there is no such category.</exception>
    Task SetCategoryAsync(IReadOnlyCollection<ClientTorrentId> ids, string category, CancellationToken cancellationToken);

    /// <summary>
    /// Sets all three share limits (<c>torrents/setShareLimits</c>): a ratio, and whole minutes of seeding and of inactivity. Rounded up, the
    /// ratio to four decimals. Before 4.6 the limit of inactivity is ignored. What happens at a limit is left to the client's own setting.
    /// </summary>
    Task SetShareLimitsAsync(IReadOnlyCollection<ClientTorrentId> ids, ShareLimits limits, CancellationToken cancellationToken);

    /// <summary>Limits the upload of torrents (<c>torrents/setUploadLimit</c>).</summary>
    /// <param name="ids">1 to 64.</param>
    /// <param name="bytesPerSecond">Bytes per second; 0 for no limit.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    Task SetTorrentUploadLimitAsync(IReadOnlyCollection<ClientTorrentId> ids, long bytesPerSecond, CancellationToken cancellationToken);

    /// <summary>Limits the download of torrents (<c>torrents/setDownloadLimit</c>).</summary>
    /// <param name="ids">1 to 64.</param>
    /// <param name="bytesPerSecond">Bytes per second; 0 for no limit.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    Task SetTorrentDownloadLimitAsync(IReadOnlyCollection<ClientTorrentId> ids, long bytesPerSecond, CancellationToken cancellationToken);

    /// <summary>Sets the priority of files (<c>torrents/filePrio</c>).</summary>
    /// <param name="id">The torrent.</param>
    /// <param name="indices">Places in the list of <see cref="GetFilesInformationAsync"/>.</param>
    /// <param name="priority">0 not wanted, 1 normal, 6 high, 7 maximal.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="TorrentClientException">
    /// <see cref="ClientFault.NotFound"/>: the client does not know the torrent. <see cref="ClientFault.Conflict"/>: there is no such file, or no
    /// metadata yet.
    /// </exception>
    Task SetFilePriorityAsync(ClientTorrentId id, IReadOnlyCollection<int> indices, int priority, CancellationToken cancellationToken);

    /// <summary>
    /// Renames a file within its torrent, on disk too (<c>torrents/renameFile</c>, by path from 4.3.5 on). Wait until a read shows it before the
    /// next one is renamed: some versions lose the first of two in a row.
    /// </summary>
    /// <param name="id">The torrent.</param>
    /// <param name="oldPath">Relative to the save path, <c>/</c> between parts.</param>
    /// <param name="newPath">As <paramref name="oldPath"/>.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="TorrentClientException">
    /// <see cref="ClientFault.Unsupported"/>: before 4.3.5, unsent. <see cref="ClientFault.NotFound"/>: the client does not know the torrent.
    /// <see cref="ClientFault.Conflict"/>: no such file, or the new name is taken or not allowed. <see cref="ClientFault.OutcomeUnknown"/>: the
    /// answer was lost.
    /// </exception>
    Task RenameFileAsync(ClientTorrentId id, string oldPath, string newPath, CancellationToken cancellationToken);

    /// <summary>
    /// Moves content to another save path (<c>torrents/setLocation</c>); it goes on after the answer, and ends automatic management.
    /// </summary>
    /// <exception cref="TorrentClientException">
    /// <see cref="ClientFault.Conflict"/>: the folder cannot be made or written. <see cref="ClientFault.OutcomeUnknown"/>: the answer was lost.
    /// </exception>
    Task SetLocationAsync(IReadOnlyCollection<ClientTorrentId> ids, string location, CancellationToken cancellationToken);
}
