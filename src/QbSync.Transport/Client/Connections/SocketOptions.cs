using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Client.Connections;

/// <summary>
/// What is set on TCP sockets, and what is read from them. Off Linux nothing is known and nothing is set but <c>TCP_NODELAY</c>. A socket that was closed
/// meanwhile gives nothing. Thread-safe.
/// </summary>
internal sealed partial class SocketOptions(string congestion, ILogger logger)
{
    /// <summary>The value of <c>tcp-congestion</c> that leaves the choice to us.</summary>
    public const string Auto = "auto";

    /// <summary>The value of <c>tcp-congestion</c> that leaves everything as the system has it.</summary>
    public const string AsSystem = "system";

    private const string Bbr = "bbr";

    // Reno grows by a segment a round trip, so that a long fast way takes minutes to fill after a loss; cubic (RFC 9438) was made for that.
    private const string Reno = "reno";
    private const string Cubic = "cubic";
    private const int LevelSocket = 1;
    private const int LevelTcp = 6;
    private const int NameSendBuffer = 7;
    private const int NameInfo = 11;
    private const int NameCongestion = 13;
    private const int LongestName = 16;

    // Below it loss is seldom and queues are short: bbr costs 1.75 times the processor on loopback and brings nothing.
    private static readonly TimeSpan ShortWay = TimeSpan.FromMilliseconds(20);

    private int _saidRefused;
    private bool _isLossy;

    /// <summary>The algorithm that a data connection should have; null to leave the system's.</summary>
    /// <param name="option">The user's word.</param>
    /// <param name="kept">What the socket has.</param>
    /// <param name="roundTrip">The connection's round trip; null where it is not known.</param>
    /// <param name="isLossy">
    /// Whether the way was seen to lose segments by itself. Where it does not, cubic fills it as well as bbr, which then sends up to a tenth of all segments twice.
    /// </param>
    public static string? ChooseCongestion(string option, string kept, TimeSpan? roundTrip, bool isLossy) => option switch
    {
        AsSystem => null,
        Auto when roundTrip > ShortWay => isLossy ? Bbr : kept == Reno ? Cubic : null,
        Auto => null,
        _ => option,
    };

    /// <summary>The way was seen to lose segments: sockets that are applied from now on are made for that.</summary>
    public void OnLossy() => Volatile.Write(ref _isLossy, true);

    /// <summary>Prepares a data connection's socket, right after its handshake, or when more is known of the way.</summary>
    public void Apply(Socket socket)
    {
        try
        {
            socket.NoDelay = true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return;
        }

        var roundTrip = Read(socket)?.RoundTrip;
        if (ReadCongestion(socket) is not { } kept
            || ChooseCongestion(congestion, kept, roundTrip, Volatile.Read(ref _isLossy)) is not { } algorithm || kept == algorithm)
        {
            return;
        }

        TrySet(socket, LevelTcp, NameCongestion, Encoding.ASCII.GetBytes(algorithm));
        var now = ReadCongestion(socket) ?? kept;
        if (now == algorithm)
        {
            Log.CongestionSet(logger, kept, now, roundTrip?.TotalMilliseconds ?? 0);
        }
        else if (Interlocked.Exchange(ref _saidRefused, 1) == 0)
        {
            Log.CongestionRefused(logger, algorithm, now);
        }
    }

    /// <summary>Sets the send buffer; the kernel stops to tune it.</summary>
    public void SetSendBuffer(Socket socket, int bytes)
    {
        TrySet(socket, LevelSocket, NameSendBuffer, MemoryMarshal.AsBytes([bytes]));
        Span<int> given = stackalloc int[1];
        if (TryGet(socket, LevelSocket, NameSendBuffer, MemoryMarshal.AsBytes(given)) == sizeof(int))
        {
            Log.SendBufferSet(logger, bytes, given[0]);
        }
    }

    /// <summary>The kernel's figures; null where there are none.</summary>
    public static TcpInfo? Read(Socket socket)
    {
        Span<byte> raw = stackalloc byte[TcpInfo.Length];
        return TryGet(socket, LevelTcp, NameInfo, raw) is { } length ? TcpInfo.Decode(raw[..length]) : null;
    }

    /// <summary>The algorithm in force; null where it is not known.</summary>
    public static string? ReadCongestion(Socket socket)
    {
        Span<byte> name = stackalloc byte[LongestName];
        if (TryGet(socket, LevelTcp, NameCongestion, name) is not { } length)
        {
            return null;
        }

        name = name[..length];
        var end = name.IndexOf((byte)0);
        return Encoding.ASCII.GetString(end < 0 ? name : name[..end]);
    }

    private static int? TryGet(Socket socket, int level, int name, Span<byte> value)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        try
        {
            return socket.GetRawSocketOption(level, name, value);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }

    private static void TrySet(Socket socket, int level, int name, ReadOnlySpan<byte> value)
    {
        try
        {
            socket.SetRawSocketOption(level, name, value);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // What is in force is read back.
        }
    }
}
