using System.ComponentModel;
using System.Runtime.InteropServices;

namespace QbSync.Testing.Networks;

/// <summary>The calls of the kernel that make a network of one's own. Manual pages of the same names, section 2; netdevice(7) for the requests.</summary>
internal static unsafe partial class NetworkCalls
{
    public const int NewNetwork = 0x40000000;
    public const int ReadWrite = 2;
    public const int NonBlocking = 0x800;
    public const int CloseOnExec = 0x80000;
    public const int TryAgain = 11;
    public const int PollIn = 1;

    /// <summary>PR_SET_TIMERSLACK: how much later than asked a thread may be woken, in nanoseconds.</summary>
    public const int SetTimerSlack = 29;

    /// <summary>SCHED_RR: runs before everything that is not of real time.</summary>
    public const int RoundRobin = 2;

    /// <summary>TUNSETIFF of linux/if_tun.h.</summary>
    public const nuint MakeTun = 0x400454ca;

    public const nuint GetFlags = 0x8913;
    public const nuint SetFlags = 0x8914;
    public const nuint SetAddress = 0x8916;
    public const nuint SetPeerAddress = 0x8918;
    public const nuint SetNetmask = 0x891c;
    public const nuint SetMtu = 0x8922;
    public const nuint SetQueueLength = 0x8943;

    private const string Library = "libc";

    [LibraryImport(Library, EntryPoint = "unshare", SetLastError = true)]
    public static partial int Unshare(int flags);

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, uint mode);

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport(Library, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int descriptor, byte* buffer, nint length);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int descriptor, byte* buffer, nint length);

    [LibraryImport(Library, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Control(int descriptor, nuint request, byte* argument);

    [LibraryImport(Library, EntryPoint = "socket", SetLastError = true)]
    public static partial int Socket(int domain, int type, int protocol);

    [LibraryImport(Library, EntryPoint = "ppoll", SetLastError = true)]
    public static partial int Poll(PollEntry* entries, nuint count, TimeSpec* timeout, void* signals);

    [LibraryImport(Library, EntryPoint = "prctl", SetLastError = true)]
    public static partial int ProcessControl(int option, nuint value);

    [LibraryImport(Library, EntryPoint = "sched_setscheduler", SetLastError = true)]
    private static partial int SetScheduler(int thread, int policy, int* priority);

    [LibraryImport(Library, EntryPoint = "setpriority", SetLastError = true)]
    public static partial int SetPriority(int which, int thread, int niceness);

    [LibraryImport(Library, EntryPoint = "setsid", SetLastError = true)]
    public static partial int StartSession();

    /// <summary>Lets the calling thread run before everything that is not of real time. Where this is not allowed nothing changes.</summary>
    public static void RunFirst()
    {
        var priority = 1;
        SetScheduler(0, RoundRobin, &priority);
    }

    /// <summary>Throws with what the kernel said when a call failed.</summary>
    public static int Check(int result, string call) => result >= 0 ? result : throw new Win32Exception(Marshal.GetLastPInvokeError(), $"{call}: {Marshal.GetLastPInvokeErrorMessage()}");

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    /// <summary>struct timespec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
