namespace QbSync.Storage.State;

/// <summary>Records of journals: of a session's, and from 64 of that of links. The numbers are the disk's and never change.</summary>
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

    /// <summary>A file is about to get a hidden name as a link to a verified one.</summary>
    Linking = 11,

    /// <summary>A file is about to get its final name.</summary>
    Publishing = 12,

    /// <summary>A file has its final name.</summary>
    Published = 13,

    /// <summary>A file is about to get its hidden name back: a piece of it was found bad.</summary>
    Unpublishing = 14,

    /// <summary>The boundary file is about to be copied to the client's folder.</summary>
    Exporting = 15,

    /// <summary>The copy has its name.</summary>
    Exported = 16,

    /// <summary>The files are about to be moved to another place, or to other names.</summary>
    Moving = 22,

    /// <summary>They are there, or all back where they were.</summary>
    Moved = 23,

    /// <summary>The session is being removed.</summary>
    Deleting = 24,

    /// <summary>Running time without contact to the source.</summary>
    Contact = 26,

    /// <summary>How far it has come, and why it failed.</summary>
    Phase = 28,

    /// <summary>Names of files that differ from the manifest's.</summary>
    FileNames = 29,

    /// <summary>What the source's file system says of files.</summary>
    Identities = 30,

    /// <summary>Digest of the source's file table.</summary>
    FilesDigest = 31,

    /// <summary>Whether the client's entry was added by us.</summary>
    AddedByUs = 32,

    /// <summary>Names that files have where they are being moved to.</summary>
    MovingNames = 33,

    /// <summary>When all of a file was last read back and found right.</summary>
    ReadBack = 34,

    /// <summary>The content of a file that stands on disk is not hashed to its end yet; what stands for it is said by the record before.</summary>
    Unsettled = 35,

    /// <summary>Who the source is, by what was authenticated. Without it: nobody was asked.</summary>
    Peer = 36,

    /// <summary>A file that others may link to.</summary>
    LinkKnown = 64,

    /// <summary>It is not, any more.</summary>
    LinkEvicted = 65,
}
