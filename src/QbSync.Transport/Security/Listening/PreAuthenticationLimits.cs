using System.Net;
using System.Net.Sockets;

namespace QbSync.Transport.Security;

/// <summary>
/// How much strangers may cost before they are known: sockets at a time, in all and per address, and failures a minute per address. An IPv6 address stands for
/// its /64, since whoever has one has all of it. Thread-safe.
/// </summary>
internal sealed class PreAuthenticationLimits(TimeProvider time)
{
    public const int MostSockets = 32;
    public const int MostPerAddress = 8;
    public const int MostFailures = 30;

    /// <summary>For the handshake, and until a pairing or the first right token.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private const int MostAddresses = 4096;
    private const int PrefixBytes = 8;
    private static readonly TimeSpan FailureTime = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RefusalTime = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, Source> _sources = [];
    private int _sockets;

    /// <summary>Sockets that are not authenticated.</summary>
    public int Sockets => Volatile.Read(ref _sockets);

    /// <summary>Takes a place for a socket, until <see cref="Leave"/>; false when there is none, or the address failed too often.</summary>
    public bool TryEnter(IPAddress? address)
    {
        var key = ToKey(address);
        lock (_gate)
        {
            var source = Find_NeedsLock(key);
            if (_sockets >= MostSockets || source is null || source.Sockets >= MostPerAddress || source.RefusedUntil > time.GetTimestamp())
            {
                return false;
            }

            source.Sockets++;
            _sockets++;
            return true;
        }
    }

    public void Leave(IPAddress? address)
    {
        var key = ToKey(address);
        lock (_gate)
        {
            _sockets--;
            if (_sources.TryGetValue(key, out var source))
            {
                source.Sockets--;
            }
        }
    }

    /// <summary>Counts a failure; the last one that a minute allows closes the door to this address for a while.</summary>
    public void CountFailure(IPAddress? address)
    {
        var key = ToKey(address);
        lock (_gate)
        {
            if (Find_NeedsLock(key) is not { } source)
            {
                return;
            }

            var now = time.GetTimestamp();
            while (source.Failures.TryPeek(out var oldest) && time.GetElapsedTime(oldest, now) > FailureTime)
            {
                source.Failures.Dequeue();
            }

            source.Failures.Enqueue(now);
            if (source.Failures.Count >= MostFailures)
            {
                source.Failures.Clear();
                source.RefusedUntil = now + (long)(RefusalTime.TotalSeconds * time.TimestampFrequency);
            }
        }
    }

    private static IPAddress ToKey(IPAddress? address)
    {
        if (address is null)
        {
            return IPAddress.None;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        var bytes = address.GetAddressBytes();
        bytes.AsSpan(PrefixBytes).Clear();
        return new IPAddress(bytes);
    }

    /// <summary>Null when so many addresses fail at a time that none can be forgotten.</summary>
    private Source? Find_NeedsLock(IPAddress key)
    {
        if (_sources.TryGetValue(key, out var known))
        {
            return known;
        }

        if (_sources.Count >= MostAddresses)
        {
            var now = time.GetTimestamp();
            foreach (var (address, source) in _sources)
            {
                if (source.Sockets == 0 && source.RefusedUntil <= now && source.Failures.All(failure => time.GetElapsedTime(failure, now) > FailureTime))
                {
                    _sources.Remove(address);
                }
            }

            // Better that one who is new is counted nowhere than that one who failed is forgotten.
            if (_sources.Count >= MostAddresses)
            {
                return null;
            }
        }

        var made = new Source();
        _sources.Add(key, made);
        return made;
    }

    /// <summary>What one address did. Belongs to the gate.</summary>
    private sealed class Source
    {
        public int Sockets { get; set; }

        public Queue<long> Failures { get; } = new();

        public long RefusedUntil { get; set; } = long.MinValue;
    }
}
