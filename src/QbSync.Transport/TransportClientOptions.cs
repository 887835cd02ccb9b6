using System.Buffers;
using System.Globalization;
using System.Net;
using QbSync.Transport.Client.Connections;

namespace QbSync.Transport;

/// <summary>How a source reaches a destination and how hard it uses the way there. Read once, when the remote destination is made.</summary>
public sealed class TransportClientOptions
{
    private const string Option = "destination-addr";

    private static readonly SearchValues<char> CongestionCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-");

    /// <summary>Where the destination listens.</summary>
    /// <value>host:port; an IPv6 address in brackets.</value>
    public string Address { get; set; } = "";

    /// <summary>Data connections to begin with; as many are kept open.</summary>
    /// <value>2; 1 to 32.</value>
    public int MinConnections { get; set; } = 2;

    /// <summary>Most data connections.</summary>
    /// <value>8; 1 to 32, not below <see cref="MinConnections"/>.</value>
    public int MaxConnections { get; set; } = 8;

    /// <summary>Most streams of one data connection.</summary>
    /// <value>4; 1 to 16.</value>
    public int MaxStreamsPerConnection { get; set; } = 4;

    /// <summary>A piece that saw no chunk taken, no report and no ack for so long is due again.</summary>
    /// <value>60 s; 5 s to 1 h.</value>
    public TimeSpan PieceTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>A stream that takes no chunk for so long while one waits is closed.</summary>
    /// <value>30 s; 5 s to 1 h.</value>
    public TimeSpan SendTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A stream whose acks nobody takes for so long is closed.</summary>
    /// <value>30 s; 1 s to 10 min.</value>
    public TimeSpan AckSinkTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest pause between two tries to open a stream.</summary>
    /// <value>30 s; 1 s to 10 min.</value>
    public TimeSpan ReconnectMaxDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A connection that was silent for so long is asked whether it lives; it has 10 s to answer.</summary>
    /// <value>30 s; 10 s to 5 min.</value>
    public TimeSpan KeepAlive { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest wait for a connection.</summary>
    /// <value>15 s; 5 to 60 s.</value>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long closing waits for the acks of what is in flight.</summary>
    /// <value>30 s; 1 s to 10 min.</value>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Payload that crosses in a second over all streams, resent pieces too.</summary>
    /// <value>0 (no limit), else bytes a second, at least 64 KiB.</value>
    public long RateLimit { get; set; }

    /// <summary>Whom to trust and as whom to appear.</summary>
    /// <value>The defaults of <see cref="SecurityOptions"/>: peers are paired.</value>
    public SecurityOptions Security { get; set; } = new();

    /// <summary>TCP congestion control of data connections: <c>auto</c> takes <c>bbr</c> where the way is long and loses segments by itself, and the system allows it, <c>system</c> leaves
    /// it alone, a name is set.</summary>
    /// <value>auto; auto, system, or a name that the system knows, at most 15 characters.</value>
    public string TcpCongestion { get; set; } = SocketOptions.Auto;

    /// <summary>Whether streams and connections are added by experiment.</summary>
    /// <value>true.</value>
    public bool Scaling { get; set; } = true;

    /// <summary>How long the throughput is measured for one sample of an experiment.</summary>
    /// <value>5 s; 1 to 60 s.</value>
    public TimeSpan SampleTime { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>What an added stream or connection has to bring to stay, as a share of the throughput without it.</summary>
    /// <value>0.05; 0.01 to 0.5.</value>
    public double MinGain { get; set; } = 0.05;

    /// <summary>Pause after an experiment that failed; doubled with each that fails in a row.</summary>
    /// <value>60 s; 10 s to 1 h.</value>
    public TimeSpan Cooldown { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Longest pause after an experiment that failed.</summary>
    /// <value>10 min; 1 min to 24 h, not below <see cref="Cooldown"/>.</value>
    public TimeSpan CooldownMax { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How windows are sized.</summary>
    /// <value>The defaults of <see cref="CongestionOptions"/>.</value>
    public CongestionOptions Congestion { get; set; } = new();

    /// <summary>Everything that is wrong with these values, named as the user knows them; empty when nothing is.</summary>
    public IReadOnlyList<string> Validate()
    {
        List<string> errors = [];
        if (!TryGetAddress(out var address))
        {
            errors.Add($"{Option}: \"{Address}\" is not host:port");
        }
        else if (Security is { Mode: SecurityMode.Insecure, AllowInsecure: false } && !IsLoopback(address.Host))
        {
            errors.Add($"security: insecure is for loopback only, and {address.Host} is not; only insecure=true allows it");
        }

        OptionRange.Check(errors, "min-connections", MinConnections, 1, 32);
        OptionRange.Check(errors, "max-connections", MaxConnections, 1, 32);
        if (MinConnections > MaxConnections)
        {
            errors.Add($"min-connections: {MinConnections} is more than max-connections ({MaxConnections})");
        }

        OptionRange.Check(errors, nameof(MaxStreamsPerConnection), MaxStreamsPerConnection, 1, 16);
        OptionRange.Check(errors, "piece-timeout", PieceTimeout, TimeSpan.FromSeconds(5), TimeSpan.FromHours(1));
        OptionRange.Check(errors, nameof(SendTimeout), SendTimeout, TimeSpan.FromSeconds(5), TimeSpan.FromHours(1));
        OptionRange.Check(errors, nameof(AckSinkTimeout), AckSinkTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        OptionRange.Check(errors, "reconnect-max-delay", ReconnectMaxDelay, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        OptionRange.Check(errors, "keepalive", KeepAlive, TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(5));
        OptionRange.Check(errors, "connect-timeout", ConnectTimeout, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(60));
        OptionRange.Check(errors, nameof(DrainTimeout), DrainTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        if (RateLimit is < 0 or (> 0 and < 64 * 1024))
        {
            errors.Add($"rate-limit: {RateLimit} is neither 0 nor at least 65536 bytes a second");
        }

        if (!IsCongestionName(TcpCongestion))
        {
            errors.Add($"tcp-congestion: \"{TcpCongestion}\" is neither auto, system, nor the name of an algorithm");
        }

        OptionRange.Check(errors, nameof(SampleTime), SampleTime, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
        OptionRange.Check(errors, nameof(MinGain), MinGain, 0.01, 0.5);
        OptionRange.Check(errors, nameof(Cooldown), Cooldown, TimeSpan.FromSeconds(10), TimeSpan.FromHours(1));
        OptionRange.Check(errors, nameof(CooldownMax), CooldownMax, TimeSpan.FromMinutes(1), TimeSpan.FromHours(24));
        if (CooldownMax < Cooldown)
        {
            errors.Add($"{nameof(CooldownMax)}: {CooldownMax} is less than {nameof(Cooldown)} ({Cooldown})");
        }

        errors.AddRange(Security.Validate(listens: false));
        errors.AddRange(Congestion.Validate());
        return errors;
    }

    /// <summary>By the text alone: what a name resolves to today says nothing of tomorrow.</summary>
    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    /// <summary>Whether a text is possible for <see cref="TcpCongestion"/>; whether the system knows it shows when it is set.</summary>
    public static bool IsCongestionName(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Length is > 0 and <= 15 && !text.AsSpan().ContainsAnyExcept(CongestionCharacters);
    }

    /// <summary>Splits <see cref="Address"/>; false when it is not host:port.</summary>
    internal bool TryGetAddress(out DnsEndPoint address)
    {
        address = new DnsEndPoint("localhost", 1);
        var colon = Address.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(Address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is < 1 or > 65535)
        {
            return false;
        }

        var host = Address[..colon];
        if (host is ['[', .. var inner, ']'] && Uri.CheckHostName(inner) == UriHostNameType.IPv6)
        {
            host = inner;
        }
        else if (Uri.CheckHostName(host) is UriHostNameType.Unknown or UriHostNameType.IPv6)
        {
            return false;
        }

        address = new DnsEndPoint(host, port);
        return true;
    }
}
