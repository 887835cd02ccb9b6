using System.Runtime.InteropServices;

namespace QbSync.Host.Lifetime;

/// <summary>Rights that files and folders of this process do not get.</summary>
internal static partial class Umask
{
    /// <summary>Sets it for the whole process; how it was before.</summary>
    public static int Set(int mask) => (int)SetMask((uint)mask);

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial uint SetMask(uint mask);
}
