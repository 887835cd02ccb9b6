using QbSync.Storage.IO;

namespace QbSync.Testing.FileSystems;

/// <summary>An open file or folder of a <see cref="SimFileSystem"/>.</summary>
internal sealed class SimFileHandle : FileHandle
{
    public SimFileHandle(SimFileSystem owner, SimNode node, string path, bool isWritable, long serial)
    {
        Owner = owner;
        Node = node;
        Path = path;
        IsWritable = isWritable;
        Serial = serial;
        SetHandle((nint)serial);
    }

    public SimFileSystem Owner { get; }

    public SimNode Node { get; }

    /// <summary>Where it was when it was opened.</summary>
    public string Path { get; }

    public bool IsWritable { get; }

    public long Serial { get; }

    protected override bool ReleaseHandle()
    {
        Owner.Closed(this);
        return true;
    }
}
