using System.Runtime.InteropServices;

namespace QbSync.Storage.IO.Native;

/// <summary>A file descriptor.</summary>
internal sealed class LinuxFileHandle : FileHandle
{
    /// <summary>Owns <paramref name="descriptor"/>.</summary>
    public LinuxFileHandle(int descriptor) => SetHandle(descriptor);

    /// <summary>What closing it failed with; 0 for nothing, or while it is open.</summary>
    public int CloseError { get; private set; }

    /// <inheritdoc />
    protected override bool ReleaseHandle()
    {
        CloseError = LibC.Close((int)handle) == 0 ? 0 : Marshal.GetLastPInvokeError();
        return CloseError == 0;
    }
}
