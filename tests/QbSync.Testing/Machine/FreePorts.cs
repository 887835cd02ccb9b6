using System.Net;
using System.Net.Sockets;

namespace QbSync.Testing.Machine;

/// <summary>
/// TCP ports of the loopback that nobody listens on. None is given twice, in this process or in one that runs beside it; and none is of those that the
/// system gives to outgoing connections, which could take it between two starts of its listener.
/// </summary>
public static class FreePorts
{
    private const int First = 20_000;
    private const int End = 32_000;
    private static readonly Lock Gate = new();
    private static readonly List<FileStream> Held = [];
    private static readonly DirectoryInfo Folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), "qbsync-test-ports"));

    public static int Take()
    {
        lock (Gate)
        {
            while (true)
            {
                var port = Random.Shared.Next(First, End);
                if (TryHold(port) is { } hold)
                {
                    Held.Add(hold);
                    if (IsFree(port))
                    {
                        return port;
                    }
                }
            }
        }
    }

    /// <summary>The lock lasts as long as this process.</summary>
    private static FileStream? TryHold(int port)
    {
        try
        {
            return new FileStream(Path.Combine(Folder.FullName, $"{port}"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
