namespace QbSync.QBittorrent.Pipeline;

/// <summary>The endpoints in use: a metric label and, with <c>Async</c> behind it, a method of <see cref="IQBittorrentClient"/>.</summary>
internal enum ApiOperation
{
    Login,
    Logout,
    GetWebApiVersion,
    GetVersion,
    GetBuildInfo,
    GetAppPreferences,
    GetMainData,
    GetTorrents,
    GetFilesInformation,
    GetTorrentPieceStates,
    ExportTorrent,
    AddTorrentFromMemory,
    Stop,
    Resume,
    Recheck,
    AddTags,
    RemoveTags,
    GetCategories,
    CreateCategory,
    SetCategory,
    SetFilePriority,
    RenameFile,
    SetLocation,
    GetTrackers,
}
