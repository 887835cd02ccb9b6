using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace QbSync.Host.Endpoints;

/// <summary>
/// Who may read what over TCP. Nothing there changes state; the page and the API are for this machine, or for who has the token, unless the user opened them. Pure.
/// </summary>
internal sealed class AccessRules(string token, bool isOpen, IReadOnlyList<string> allowedHosts)
{
    /// <summary>Least characters of a token.</summary>
    public const int LeastToken = 16;

    private static readonly HashSet<string> ForAll = ["/healthz", "/livez", "/readyz"];
    private readonly byte[]? _token = token.Length == 0 ? null : SHA256.HashData(Encoding.UTF8.GetBytes(token));
    private readonly HashSet<string> _hosts = new([.. allowedHosts, "localhost", Environment.MachineName], StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a token is asked for.</summary>
    public bool HasToken => _token is not null;

    /// <summary>What a request is answered instead of what it asks for; 200 when nothing speaks against it.</summary>
    /// <param name="peer">Where it is from; null when that is not known.</param>
    /// <param name="authorization">The header of that name.</param>
    public int Judge(string method, HostString host, string path, IPAddress? peer, string? authorization)
    {
        if (method is not ("GET" or "HEAD"))
        {
            return StatusCodes.Status405MethodNotAllowed;
        }

        if (ForAll.Contains(path))
        {
            return StatusCodes.Status200OK; // it says no more than yes or no, and who probes may know us by any name
        }

        // A page in the user's browser can make a name of its own mean this machine, but no name of ours.
        if (!IsHostKnown(host.Host))
        {
            return StatusCodes.Status421MisdirectedRequest;
        }

        if (HasToken)
        {
            return IsTokenRight(authorization) ? StatusCodes.Status200OK : StatusCodes.Status401Unauthorized;
        }

        return path == "/metrics" || isOpen || IsLoopback(peer) ? StatusCodes.Status200OK : StatusCodes.Status403Forbidden;
    }

    private bool IsHostKnown(string host)
    {
        var bare = host.StartsWith('[') && host.EndsWith(']') ? host[1..^1] : host;
        return _hosts.Contains(bare) || IPAddress.TryParse(bare, out _);
    }

    private static bool IsLoopback(IPAddress? peer) => peer is not null && IPAddress.IsLoopback(peer.IsIPv4MappedToIPv6 ? peer.MapToIPv4() : peer);

    private bool IsTokenRight(string? authorization)
    {
        if (!AuthenticationHeaderValue.TryParse(authorization, out var header) || header.Parameter is not { } given)
        {
            return false;
        }

        var offered = header.Scheme.ToUpperInvariant() switch
        {
            "BEARER" => given,
            "BASIC" => PasswordOf(given),
            _ => null,
        };
        return offered is not null && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(offered)), _token);
    }

    private static string? PasswordOf(string parameter)
    {
        var bytes = new byte[parameter.Length];
        if (!Convert.TryFromBase64String(parameter, bytes, out var length))
        {
            return null;
        }

        var text = Encoding.UTF8.GetString(bytes, 0, length);
        return text.IndexOf(':', StringComparison.Ordinal) is var colon and >= 0 ? text[(colon + 1)..] : null;
    }
}
