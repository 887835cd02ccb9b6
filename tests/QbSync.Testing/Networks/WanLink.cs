using System.Net;

namespace QbSync.Testing.Networks;

/// <summary>
/// Two networks joined by a link of any shape, on this machine and beside its own network, which is not touched. Needs root and /dev/net/tun. What
/// runs in the networks should be other processes: this one carries the packets.
/// </summary>
public sealed class WanLink : IDisposable
{
    private readonly List<IDisposable> _made = [];
    private readonly LinkDirection _there;
    private readonly LinkDirection _back;

    public WanLink(LinkShape shape)
    {
        Shape = shape;
        try
        {
            Near = Keep(new NetworkNamespace());
            Far = Keep(new NetworkNamespace());
            var near = Keep(TunDevice.Open(Near, NearAddress, FarAddress));
            var far = Keep(TunDevice.Open(Far, FarAddress, NearAddress));
            foreach (var network in new[] { Near, Far })
            {
                // What one connection learned of the path would start the next one; and an algorithm that the user's machine prefers would be ours.
                network.Set("tcp_no_metrics_save", "1");
                network.Set("tcp_congestion_control", "reno");
            }

            _there = Keep(new LinkDirection(near, far, new Bottleneck(shape, shape.Seed)));
            _back = Keep(new LinkDirection(far, near, new Bottleneck(shape, shape.Seed + 1)));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public static IPAddress NearAddress { get; } = new([10, 77, 0, 1]);

    public static IPAddress FarAddress { get; } = new([10, 77, 0, 2]);

    public LinkShape Shape { get; }

    /// <summary>Where the source lives.</summary>
    public NetworkNamespace Near { get; }

    /// <summary>Where the destination lives.</summary>
    public NetworkNamespace Far { get; }

    /// <summary>The way from near to far.</summary>
    public Bottleneck There => _there.Bottleneck;

    /// <summary>The way from far to near.</summary>
    public Bottleneck Back => _back.Bottleneck;

    /// <summary>How much later than due a packet left, at worst: milliseconds say that the machine had no time for the link.</summary>
    public TimeSpan Latest => _there.Latest > _back.Latest ? _there.Latest : _back.Latest;

    /// <summary>Packets that were lost because the machine had no time to take them.</summary>
    public long Overrun => Near.CountDropped(TunDevice.Name) + Far.CountDropped(TunDevice.Name);

    /// <summary>Why there can be none on this machine; null when there can.</summary>
    public static string? FindObstacle()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            return "network namespaces need Linux and root";
        }

        try
        {
            using var link = new WanLink(new LinkShape { BitsPerSecond = 0, RoundTrip = TimeSpan.Zero });
            return null;
        }
        catch (Exception exception) when (exception is System.ComponentModel.Win32Exception or IOException or UnauthorizedAccessException)
        {
            return exception.Message;
        }
    }

    public void Dispose()
    {
        for (var i = _made.Count - 1; i >= 0; i--)
        {
            _made[i].Dispose();
        }
    }

    private T Keep<T>(T made)
        where T : IDisposable
    {
        _made.Add(made);
        return made;
    }
}
