using System.Net;

namespace QbSync.Host.Configuration;

/// <summary>A host and a port; an empty host means every address of the machine.</summary>
internal readonly record struct HostPort(string Host, int Port)
{
    /// <summary>Whether only this machine can be meant.</summary>
    public bool IsLoopback => Host == "localhost" || (IPAddress.TryParse(Host, out var address) && IPAddress.IsLoopback(address));

    /// <summary>The address to listen on; a name other than <c>localhost</c> cannot be listened on.</summary>
    public bool TryGetEndPoint(out IPEndPoint endPoint)
    {
        var address = Host switch
        {
            "" => IPAddress.IPv6Any,
            "localhost" => IPAddress.Loopback,
            _ => IPAddress.TryParse(Host, out var parsed) ? parsed : null,
        };
        endPoint = new IPEndPoint(address ?? IPAddress.None, Port);
        return address is not null;
    }

    public override string ToString() => Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}
