namespace QbSync.Storage.IO;

/// <summary>
/// The calls on files and folders that storage is made of: relative to open folders, following no symbolic link, keeping nothing between calls.
/// Thread-safe. What is expected (absent, exists) is a result; every other failure is a <see cref="StorageException"/> that keeps the system's
/// error number in an inner <see cref="System.ComponentModel.Win32Exception"/>.
/// </summary>
internal interface IFileSystem
{
    /// <summary>Opens a folder that a person named; symbolic links on the way are followed. Null when it is absent.</summary>
    FileHandle? OpenRoot(string path);

    /// <summary>Opens a folder below another: parts joined by <c>/</c>, or empty for a handle of its own. Null when it is absent.</summary>
    FileHandle? OpenFolder(FileHandle folder, string relativePath);

    /// <summary>Opens a regular file. Null when it is absent.</summary>
    FileHandle? OpenFile(FileHandle folder, string name, bool writable);

    /// <summary>Makes a file and opens it for reading and writing. Null when the name is taken.</summary>
    FileHandle? CreateFile(FileHandle folder, string name);

    /// <summary>Reads until <paramref name="destination"/> is full or the file ends.</summary>
    int Read(FileHandle file, Span<byte> destination, long offset);

    /// <summary>Writes all of <paramref name="source"/>.</summary>
    void Write(FileHandle file, ReadOnlySpan<byte> source, long offset);

    /// <summary>Sets the length; what is new is a hole.</summary>
    void SetLength(FileHandle file, long length);

    /// <summary>Reserves blocks and sets the length; false where the file system cannot. Never by writing.</summary>
    bool TryAllocate(FileHandle file, long length);

    /// <summary>Brings the content and the length of a file to the device.</summary>
    void Sync(FileHandle file);

    /// <summary>
    /// Closes a file that was written to, and tells where that fails: some file systems bring bytes to the device only then. The handle is closed in any case.
    /// </summary>
    void Close(FileHandle file);

    /// <summary>Brings the entries of a folder to the device; false where the file system cannot.</summary>
    bool SyncFolder(FileHandle folder);

    /// <summary>What an open file or folder is.</summary>
    FileStat Stat(FileHandle file);

    /// <summary>What a name stands for, a symbolic link itself included. Null when it is absent.</summary>
    FileStat? Stat(FileHandle folder, string name);

    /// <summary>Renames without replacing; false when the new name is taken.</summary>
    bool RenameNew(FileHandle folder, string name, FileHandle newFolder, string newName);

    /// <summary>Renames within a folder, replacing what has the new name.</summary>
    void RenameOver(FileHandle folder, string name, string newName);

    /// <summary>Gives a file one more name; false when that is taken.</summary>
    bool Link(FileHandle folder, string name, FileHandle newFolder, string newName);

    /// <summary>Removes a file's name; false when it is absent.</summary>
    bool Unlink(FileHandle folder, string name);

    /// <summary>Makes a folder; false when the name is taken.</summary>
    bool MakeFolder(FileHandle folder, string name);

    /// <summary>Removes an empty folder; false when it is absent or not empty.</summary>
    bool RemoveFolder(FileHandle folder, string name);

    /// <summary>Names in a folder, in no order.</summary>
    IReadOnlyList<string> List(FileHandle folder);

    /// <summary>Bytes that we may still write on the device of a folder.</summary>
    long GetFreeBytes(FileHandle folder);

    /// <summary>Takes the exclusive lock of a file, until its handle is closed or the process ends; false when another holds it.</summary>
    bool TryLock(FileHandle file);

    /// <summary>
    /// Gives an empty file the content of another without copying it: both share their blocks until one is written. False where the file system, or two of
    /// them, cannot; then the target is as it was.
    /// </summary>
    bool TryClone(FileHandle source, FileHandle target);

    /// <summary>Asks the system to forget what it keeps of a file in memory, so that the next read comes from the device. Bytes not flushed stay.</summary>
    void DropCache(FileHandle file);

    /// <summary>
    /// Whether the files of a folder lie, or may lie, on another machine, whose answers may be old: network file systems, and those that run in a process.
    /// </summary>
    bool IsNetwork(FileHandle folder);

    /// <summary>Whether the files of a folder are in memory alone.</summary>
    bool IsMemory(FileHandle folder);
}
