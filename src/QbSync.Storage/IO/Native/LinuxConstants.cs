using System.Runtime.InteropServices;

namespace QbSync.Storage.IO.Native;

/// <summary>Flags, system call numbers and error numbers of Linux; those that differ between x64 and arm64 are chosen at start.</summary>
internal static class LinuxConstants
{
    public const int AtFdCwd = -100;
    public const int AtSymlinkNoFollow = 0x100;
    public const int AtRemoveDir = 0x200;
    public const int AtEmptyPath = 0x1000;

    public const int ReadWrite = 0x2;
    public const int Create = 0x40;
    public const int Exclusive = 0x80;
    public const int NonBlock = 0x800;
    public const int CloseOnExec = 0x80000;
    public static readonly int Directory = IsArm ? 0x4000 : 0x10000;
    public static readonly int NoFollow = IsArm ? 0x8000 : 0x20000;

    /// <summary>RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, RESOLVE_NO_MAGICLINKS.</summary>
    public const ulong ResolveBeneath = 0x08 | 0x04 | 0x02;

    public const uint RenameNoReplace = 1;
    public const uint StatXBasic = 0x7ff;
    public const int LockExclusiveNonBlocking = 2 | 4;

    /// <summary>FICLONE of ioctl_ficlone(2).</summary>
    public const int CloneInto = 0x40049409;

    /// <summary>POSIX_FADV_DONTNEED.</summary>
    public const int AdviceNotNeeded = 4;

    public const nint OpenAt2 = 437;
    public static readonly nint RenameAt2 = IsArm ? 276 : 316;
    public static readonly nint StatX = IsArm ? 291 : 332;
    public static readonly nint GetDents64 = IsArm ? 61 : 217;

    private static bool IsArm => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
}

/// <summary>Error numbers of Linux that storage tells apart, errno(3).</summary>
internal static class Errno
{
    public const int NotPermitted = 1;
    public const int NoEntry = 2;
    public const int Interrupted = 4;
    public const int BadDescriptor = 9;
    public const int Again = 11;
    public const int NoAccess = 13;
    public const int Exists = 17;
    public const int CrossDevice = 18;
    public const int NotFolder = 20;
    public const int IsFolder = 21;
    public const int Invalid = 22;
    public const int TooManyOpenInSystem = 23;
    public const int TooManyOpen = 24;
    public const int NotForThisKind = 25;
    public const int NoSpace = 28;
    public const int ReadOnly = 30;
    public const int TooManyLinks = 31;
    public const int NameTooLong = 36;
    public const int NoSuchCall = 38;
    public const int NotEmpty = 39;
    public const int Loop = 40;
    public const int NotSupported = 95;
    public const int Quota = 122;
}
