namespace QbSync.Storage.State;

/// <summary>Records of a session's journal. The numbers are the disk's and never change; those of links, moves and handing over are kept free.</summary>
internal enum RecordType : byte
{
    /// <summary>Who the torrent is received from.</summary>
    Opened = 1,

    /// <summary>The epoch from here on.</summary>
    Epoch = 2,

    /// <summary>What the client is told.</summary>
    Parameters = 3,

    /// <summary>The selected files.</summary>
    Selection = 4,

    /// <summary>Where it goes.</summary>
    Place = 5,

    /// <summary>A folder that we made.</summary>
    FolderCreated = 6,

    /// <summary>What stands for a file on disk.</summary>
    FileState = 7,

    /// <summary>Pieces whose bytes are durable.</summary>
    PiecesHeld = 8,

    /// <summary>Pieces that are needed again.</summary>
    PiecesCleared = 9,

    /// <summary>Pieces that were read back from disk and hashed.</summary>
    PiecesVerified = 10,

    /// <summary>A file is about to get its final name.</summary>
    Publishing = 12,

    /// <summary>A file has its final name.</summary>
    Published = 13,

    /// <summary>The boundary file is about to be copied to the client's folder.</summary>
    Exporting = 15,

    /// <summary>The copy has its name.</summary>
    Exported = 16,

    /// <summary>The session is being removed.</summary>
    Deleting = 24,

    /// <summary>How far it has come, and why it failed.</summary>
    Phase = 28,

    /// <summary>Names of files that differ from the manifest's.</summary>
    FileNames = 29,
}
