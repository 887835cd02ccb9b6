namespace QbSync.Transport.Client.Connections;

/// <summary>
/// Whether a connection's send buffer is taken out of the kernel's hands, since setting it ends autotuning for good: only where it held the sender for a
/// fifth of the time in two of three samples, where what the way holds is more than autotuning can reach, and where a larger one may be set. Fed with
/// figures and times; not thread-safe: the connection's owner has it.
/// </summary>
internal sealed class SendBufferRule(SendBufferLimits limits)
{
    private const double HeldShare = 0.2;
    private const int Samples = 3;
    private const int NeededSamples = 2;

    private readonly bool[] _held = new bool[Samples];
    private int _next;
    private TimeSpan? _lastLimited;
    private TimeSpan _lastAt;
    private bool _isSet;

    /// <summary>Takes a sample; gives the size to set, once, when there is reason to.</summary>
    /// <param name="now">When it was taken.</param>
    /// <param name="info">The connection's figures.</param>
    /// <param name="rate">Bytes a second that the connection delivers.</param>
    public int? OnSample(TimeSpan now, in TcpInfo info, double rate)
    {
        if (_isSet || info.BufferLimited is not { } limited || info.LeastRoundTrip is not { } least)
        {
            return null;
        }

        if (_lastLimited is { } before && now > _lastAt)
        {
            _held[_next] = limited - before >= HeldShare * (now - _lastAt);
            _next = (_next + 1) % Samples;
        }

        (_lastLimited, _lastAt) = (limited, now);
        var need = 2 * rate * least.TotalSeconds;
        var isHeld = Array.FindAll(_held, static held => held).Length >= NeededSamples;
        if (!isHeld || need <= limits.AutotuningMost || 2L * limits.SettableMost <= limits.AutotuningMost)
        {
            return null;
        }

        _isSet = true;
        return (int)Math.Min(need, limits.SettableMost);
    }
}

/// <summary>What the system allows a send buffer to be.</summary>
/// <param name="AutotuningMost">Most that the kernel makes it by itself, bookkeeping included (<c>net.ipv4.tcp_wmem</c>).</param>
/// <param name="SettableMost">Most that a program may ask for (<c>net.core.wmem_max</c>); the kernel doubles it for its bookkeeping.</param>
internal readonly record struct SendBufferLimits(long AutotuningMost, long SettableMost)
{
    /// <summary>Reads the system's; null where there are none.</summary>
    public static SendBufferLimits? Read()
    {
        try
        {
            var autotuning = File.ReadAllText("/proc/sys/net/ipv4/tcp_wmem").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            return long.TryParse(autotuning[^1], out var most) && long.TryParse(File.ReadAllText("/proc/sys/net/core/wmem_max"), out var settable)
                ? new SendBufferLimits(most, settable)
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or IndexOutOfRangeException)
        {
            return null;
        }
    }
}
