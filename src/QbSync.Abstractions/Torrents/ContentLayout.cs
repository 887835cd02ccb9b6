namespace QbSync.Torrents;

/// <summary>How a client lays a torrent's files below its save path.</summary>
public enum ContentLayout
{
    /// <summary>As the manifest says: a folder for several files, none for one.</summary>
    Original = 0,

    /// <summary>Always a folder of the torrent's name.</summary>
    Subfolder = 1,

    /// <summary>Never a folder of the torrent's name.</summary>
    NoSubfolder = 2,
}
