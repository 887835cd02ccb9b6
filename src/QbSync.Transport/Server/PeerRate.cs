namespace QbSync.Transport.Server;

/// <summary>
/// A peer's granted rate over all its streams: credit is handed out no faster, so that what comes is not, either. The grant is read anew each time. Its owner,
/// the receive budget, guards it.
/// </summary>
/// <param name="getRate">Bytes a second now; null for no bound.</param>
internal sealed class PeerRate(Func<long?> getRate, TimeProvider time)
{
    /// <summary>Credit comes in parts of at least this, or a slow rate would come as a dust of credits.</summary>
    private const long LeastPart = 64 << 10;

    private long _tokens = LeastPart;
    private long _at = time.GetTimestamp();

    /// <summary>Streams that share it.</summary>
    public int Streams { get; set; }

    /// <summary>How much a stream may be ahead: what the rate brings in a second.</summary>
    public long? GetAllowance() => getRate() is { } rate ? Math.Max(rate / Math.Max(1, Streams), LeastPart) : null;

    /// <summary>As much of what is wanted as the rate allows now.</summary>
    public long Take(long wanted)
    {
        if (getRate() is not { } rate)
        {
            return wanted;
        }

        var elapsed = time.GetElapsedTime(_at).TotalSeconds;
        if ((long)(elapsed * rate) is > 0 and var came)
        {
            _at = time.GetTimestamp();
            _tokens = Math.Min(_tokens + came, GetBurst(rate));
        }

        if (_tokens < Math.Min(wanted, LeastPart))
        {
            return 0;
        }

        var taken = Math.Min(wanted, _tokens);
        _tokens -= taken;
        return taken;
    }

    /// <summary>Credit that will not be used.</summary>
    public void GiveBack(long unused)
    {
        if (getRate() is { } rate)
        {
            _tokens = Math.Min(_tokens + unused, GetBurst(rate));
        }
    }

    private static long GetBurst(long rate) => Math.Max(LeastPart, rate);
}
