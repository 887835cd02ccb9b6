using QbSync.Storage.IO;

namespace QbSync.Storage.State;

/// <summary>A folder of the state, opened by each use: nothing keeps a descriptor between uses.</summary>
internal class StateFolder(RootDirectory state, IReadOnlyList<string> parts)
{
    /// <summary>Where it is.</summary>
    public IFileSystem Files => state.Files;

    /// <summary>For messages.</summary>
    public string Path => state.Describe([.. parts]);

    /// <summary>The whole state.</summary>
    protected RootDirectory State => state;

    /// <summary>Its parts below the state folder.</summary>
    protected IReadOnlyList<string> Parts => parts;

    /// <summary>Opens the folder.</summary>
    public FileHandle Open() => state.OpenFolder([.. parts])
        ?? throw new StorageException(StorageFault.Io, $"The folder '{Path}' is gone.");
}
