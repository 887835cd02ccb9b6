namespace QbSync.Storage;

/// <summary>Numbers of the log events of storage: 2000 to 2999, tens per type. Never reused.</summary>
internal static class StorageEventIds
{
    /// <summary>First of <c>TorrentStore</c>.</summary>
    public const int TorrentStore = 2000;

    /// <summary>First of <c>TorrentStorage</c>.</summary>
    public const int TorrentStorage = 2020;

    /// <summary>First of <c>StateFlusher</c>.</summary>
    public const int StateFlusher = 2050;

    /// <summary>First of <c>RootHealth</c>.</summary>
    public const int RootHealth = 2080;

    /// <summary>First of <c>DurableRecords</c>.</summary>
    public const int DurableRecords = 2100;

    /// <summary>First of <c>PieceReader</c>.</summary>
    public const int PieceReader = 2120;

    /// <summary>First of <c>HardlinkRegistry</c>.</summary>
    public const int HardlinkRegistry = 2060;

    /// <summary>First of <c>FileLinker</c>.</summary>
    public const int FileLinker = 2070;

    /// <summary>First of <c>FolderTorrentClient</c>.</summary>
    public const int FolderTorrentClient = 2140;

    /// <summary>First of <c>StorageMetrics</c>.</summary>
    public const int StorageMetrics = 2160;
}
