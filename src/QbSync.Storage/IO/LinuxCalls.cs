namespace QbSync.Storage.IO;

/// <summary>Calls of Linux that an old kernel, a container's filter or a file system may lack, and for which there is another way.</summary>
[Flags]
internal enum LinuxCalls
{
    /// <summary>No call is missing.</summary>
    None = 0,

    /// <summary>openat2(2): else folders are walked part by part.</summary>
    OpenBeneath = 1,

    /// <summary>renameat2(2) with RENAME_NOREPLACE: else a link under the new name, then the old name removed.</summary>
    RenameNoReplace = 2,

    /// <summary>linkat(2), for renaming: else an empty file of ours takes the new name first and is replaced.</summary>
    Link = 4,
}
