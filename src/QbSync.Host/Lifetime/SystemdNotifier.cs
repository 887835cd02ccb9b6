using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace QbSync.Host.Lifetime;

/// <summary>
/// Speaks to the supervisor over the datagram socket of <c>NOTIFY_SOCKET</c> (sd_notify(3)); without one, says nothing. A supervisor that does not listen is no
/// failure of ours. Thread-safe.
/// </summary>
internal sealed class SystemdNotifier : IDisposable
{
    // Longer than any supervisor needs to read one datagram, shorter than anybody waits for a stop.
    private const int SendTimeoutMilliseconds = 1000;

    private readonly Socket? _socket;
    private readonly UnixDomainSocketEndPoint? _supervisor;

    private SystemdNotifier(string address, TimeSpan? watchdog)
    {
        Watchdog = watchdog;
        if (address.Length == 0)
        {
            return;
        }

        // A leading @ stands for the zero byte of an abstract address.
        _supervisor = new UnixDomainSocketEndPoint(address[0] == '@' ? '\0' + address[1..] : address);
        _socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { SendTimeout = SendTimeoutMilliseconds };
    }

    /// <summary>Whether anybody listens.</summary>
    public bool IsOn => _socket is not null;

    /// <summary>Silence after which the supervisor takes this process for dead; null when it does not.</summary>
    public TimeSpan? Watchdog { get; }

    /// <param name="processId">This process: a watchdog that is meant for another, such as a shell before it, is none of ours.</param>
    public static SystemdNotifier Create(IReadOnlyDictionary<string, string> environment, int processId)
    {
        var isOurs = environment.GetValueOrDefault("WATCHDOG_PID") is not { Length: > 0 } pid || pid == processId.ToString(CultureInfo.InvariantCulture);
        var watchdog = isOurs && long.TryParse(environment.GetValueOrDefault("WATCHDOG_USEC"), CultureInfo.InvariantCulture, out var microseconds) && microseconds > 0
            ? TimeSpan.FromMicroseconds(microseconds)
            : (TimeSpan?)null;
        var address = environment.GetValueOrDefault("NOTIFY_SOCKET", "");
        return new SystemdNotifier(address is ['/' or '@', _, ..] ? address : "", watchdog);
    }

    /// <summary>Tells one or several states, such as <c>READY=1</c>, in one datagram.</summary>
    public void Tell(params ReadOnlySpan<string> states)
    {
        try
        {
            _socket?.SendTo(Encoding.UTF8.GetBytes(string.Join('\n', states)), _supervisor!);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Gone or deaf: it finds out about us by itself.
        }
    }

    public void Dispose() => _socket?.Dispose();
}
