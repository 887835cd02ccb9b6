using System.Security.Cryptography;
using QbSync.QBittorrent.Http;

namespace QbSync.QBittorrent;

/// <summary>Where a qBittorrent is and how patient to be with it.</summary>
public sealed class QBittorrentOptions
{
    /// <summary>Address of the WebUI.</summary>
    /// <value>Required; http or https, may have a path, no user info.</value>
    public Uri? Url { get; set; }

    /// <summary>User name of the WebUI.</summary>
    /// <value>Null: no login is tried, for clients that let this address in.</value>
    public string? Username { get; set; }

    /// <summary>Password of the WebUI.</summary>
    /// <value>Null exactly when <see cref="Username"/> is.</value>
    public string? Password { get; set; }

    /// <summary>API key of the client, instead of a login. From qBittorrent 5.2.</summary>
    /// <value>Null; excludes <see cref="Username"/> and <see cref="BasicAuth"/>.</value>
    public string? ApiKey { get; set; }

    /// <summary>User and password for a proxy before the client.</summary>
    /// <value>Null; else <c>user:password</c>.</value>
    public string? BasicAuth { get; set; }

    /// <summary>Tells the credentials of now: asked while the client refuses those in use, so that a changed file is noticed.</summary>
    /// <value>Null: those above are for good.</value>
    public Func<QBittorrentCredentials>? Reread { get; set; }

    /// <summary>Authorities that the certificate of an https address must be from, as a PEM file. Does not apply to a handler of your own.</summary>
    /// <value>Null: the system's.</value>
    public string? CaFile { get; set; }

    /// <summary>SHA-256 of the only certificate that is taken, for one that is from no authority. Does not apply to a handler of your own.</summary>
    /// <value>Null; else 64 hexadecimal digits, colons between them or not. Excludes <see cref="CaFile"/>.</value>
    public string? TlsFingerprint { get; set; }

    /// <summary>Whether nothing is ever changed at the client: every call that would is <see cref="ClientFault.DryRun"/>, unsent.</summary>
    /// <value>False.</value>
    public bool ReadOnly { get; set; }

    /// <summary>Time for one attempt of a light call; heavy ones have four times as much.</summary>
    /// <value>30 s; 1 s to 10 min.</value>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The client's own folder of <c>.torrent</c> files (<c>BT_backup</c>), for clients before 4.5, which do not give them by the WebAPI.</summary>
    /// <value>Null for none: torrents of such a client cannot be read. An absolute path of this machine.</value>
    public string? TorrentsDirectory { get; set; }

    /// <summary>Attempts of a call that may be repeated.</summary>
    /// <value>3; 1 to 10.</value>
    public int Attempts { get; set; } = 3;

    /// <summary>Failed attempts in a row after which calls are refused for a while.</summary>
    /// <value>5; 1 to 100.</value>
    public int BreakerThreshold { get; set; } = 5;

    /// <summary>Longest time for which calls are refused after failures.</summary>
    /// <value>4 s; 1 s to 5 min.</value>
    public TimeSpan BreakerMaxBreak { get; set; } = TimeSpan.FromSeconds(4);

    /// <summary>Light calls at once.</summary>
    /// <value>4; 1 to 32.</value>
    public int LightSlots { get; set; } = 4;

    /// <summary>Longest answer after decompression.</summary>
    /// <value>64 MiB, in bytes; 1 MiB to 1 GiB.</value>
    public int MaxAnswerBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Every fault of these options, named as the host's options are.</summary>
    public IReadOnlyList<string> Validate()
    {
        List<string> errors = [];
        if (Url is not { IsAbsoluteUri: true, Scheme: "http" or "https", UserInfo: "" })
        {
            errors.Add("qb-url must be an http or https address without user info, as in http://127.0.0.1:8080.");
        }

        errors.AddRange(Credentials.Validate());
        errors.AddRange(ValidateTrust());

        if (TorrentsDirectory is not null && !Path.IsPathFullyQualified(TorrentsDirectory))
        {
            errors.Add($"qb-torrents-dir: '{TorrentsDirectory}' is not an absolute path.");
        }

        Range(errors, "qb-timeout", Timeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        Range(errors, nameof(Attempts), Attempts, 1, 10);
        Range(errors, nameof(BreakerThreshold), BreakerThreshold, 1, 100);
        Range(errors, nameof(BreakerMaxBreak), BreakerMaxBreak, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5));
        Range(errors, nameof(LightSlots), LightSlots, 1, 32);
        Range(errors, nameof(MaxAnswerBytes), MaxAnswerBytes, 1 << 20, 1 << 30);
        return errors;
    }

    /// <summary>What is set of credentials; empty counts as not set.</summary>
    internal QBittorrentCredentials Credentials => new QBittorrentCredentials
    {
        Username = Username,
        Password = Password,
        ApiKey = ApiKey,
        BasicAuth = BasicAuth,
    }.WithoutEmpty();

    private IEnumerable<string> ValidateTrust()
    {
        if (CaFile is not null && TlsFingerprint is not null)
        {
            yield return "qb-tls-fingerprint: excludes qb-ca-file; one certificate, or an authority.";
        }

        if ((CaFile ?? TlsFingerprint) is not null && Url is { IsAbsoluteUri: true, Scheme: "http" })
        {
            yield return $"{(CaFile is null ? "qb-tls-fingerprint" : "qb-ca-file")}: qb-url is not https, so no certificate is ever shown.";
        }

        if (TlsFingerprint is not null && TlsTrust.ReadFingerprint(TlsFingerprint) is null)
        {
            yield return "qb-tls-fingerprint: must be a SHA-256, 64 hexadecimal digits.";
        }

        if (CaFile is not null && FaultOf(CaFile) is { } fault)
        {
            yield return $"qb-ca-file: {CaFile} cannot be used ({fault}).";
        }
    }

    private static string? FaultOf(string authorities)
    {
        try
        {
            TlsTrust.ReadAuthorities(authorities);
            return null;
        }
        catch (Exception exception) when (exception is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            return exception.Message;
        }
    }

    private static void Range<T>(List<string> errors, string name, T value, T least, T most)
        where T : IComparable<T>
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
        {
            errors.Add($"{name} must be from {least} to {most}, not {value}.");
        }
    }
}
