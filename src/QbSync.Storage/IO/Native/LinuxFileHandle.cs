namespace QbSync.Storage.IO.Native;

/// <summary>A file descriptor.</summary>
internal sealed class LinuxFileHandle : FileHandle
{
    /// <summary>Owns <paramref name="descriptor"/>.</summary>
    public LinuxFileHandle(int descriptor) => SetHandle(descriptor);

    /// <inheritdoc />
    protected override bool ReleaseHandle() => LibC.Close((int)handle) == 0;
}
