using System.Net;

namespace QbSync.Transport.Security;

/// <summary>A connection of which it is not known yet who is at its other end. It holds a place among the strangers until it is known or gone. Thread-safe.</summary>
internal sealed class Stranger(IPAddress? address, PreAuthenticationLimits limits, TimeProvider time) : IDisposable
{
    private readonly CancellationTokenSource _late = new(PreAuthenticationLimits.Patience, time);
    private int _hasLeft;

    /// <summary>It stayed a stranger for too long.</summary>
    public CancellationToken Late => _late.Token;

    /// <summary>It is no stranger any more.</summary>
    public bool IsKnown { get; private set; }

    /// <summary>It sent something.</summary>
    public bool HasSpoken { get; private set; }

    /// <summary>It sends something.</summary>
    public void Spoke() => HasSpoken = true;

    /// <summary>It is known now.</summary>
    public void BecameKnown()
    {
        IsKnown = true;
        if (Interlocked.Exchange(ref _hasLeft, 1) == 0)
        {
            limits.Leave(address);
            try
            {
                _late.CancelAfter(Timeout.InfiniteTimeSpan);
            }
            catch (ObjectDisposedException)
            {
                // The connection ended meanwhile.
            }
        }
    }

    /// <summary>It could not say who it is, or said it wrongly.</summary>
    public void Failed() => limits.CountFailure(address);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _hasLeft, 1) == 0)
        {
            limits.Leave(address);
        }

        _late.Dispose();
    }
}
