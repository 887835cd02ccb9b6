using System.Text;

namespace QbSync.QBittorrent;

/// <summary>What proves to the client, and to a proxy before it, who we are. Immutable; its text shows no secret.</summary>
public sealed class QBittorrentCredentials
{
    /// <summary>Nothing, for clients that let this address in.</summary>
    public static readonly QBittorrentCredentials None = new();

    /// <summary>User name of the WebUI; null for no login.</summary>
    public string? Username { get; init; }

    /// <summary>Password of the WebUI; null exactly when <see cref="Username"/> is.</summary>
    public string? Password { get; init; }

    /// <summary>API key, as in <c>qbt_...</c>, instead of a login. From qBittorrent 5.2.</summary>
    public string? ApiKey { get; init; }

    /// <summary><c>user:password</c> for a proxy before the client.</summary>
    public string? BasicAuth { get; init; }

    /// <summary>Whether nothing is set.</summary>
    internal bool IsNone => Username is null && ApiKey is null && BasicAuth is null;

    /// <summary>The value of the header, if there is one.</summary>
    internal string? Authorization => ApiKey is not null ? "Bearer " + ApiKey
        : BasicAuth is not null ? "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(BasicAuth))
        : null;

    /// <inheritdoc />
    public override string ToString() => IsNone ? "none"
        : string.Join(" and ", new[] { Username is null ? null : "user name", ApiKey is null ? null : "API key", BasicAuth is null ? null : "basic" }.OfType<string>());

    /// <summary>Every fault, named as the host's options are.</summary>
    internal IEnumerable<string> Validate()
    {
        if ((Username is null) != (Password is null))
        {
            yield return "qb-username and qb-password go together: set both or neither.";
        }

        if (ApiKey is not null && (Username is not null || BasicAuth is not null))
        {
            yield return "qb-api-key: excludes qb-username, qb-password and qb-basic-auth, which are other ways to say who asks.";
        }

        if (ApiKey is not null && !ApiKey.All(static c => c is > ' ' and < (char)127))
        {
            yield return "qb-api-key: has a character that no key has.";
        }

        if (BasicAuth is not null && (BasicAuth.IndexOf(':', StringComparison.Ordinal) < 1 || BasicAuth.Any(char.IsControl)))
        {
            yield return "qb-basic-auth: must be user:password.";
        }
    }

    internal bool IsSameAs(QBittorrentCredentials other) =>
        (Username, Password, ApiKey, BasicAuth) == (other.Username, other.Password, other.ApiKey, other.BasicAuth);

    // An option that is given empty is one that is not given.
    internal QBittorrentCredentials WithoutEmpty() => new()
    {
        Username = OrNull(Username),
        Password = OrNull(Password),
        ApiKey = OrNull(ApiKey),
        BasicAuth = OrNull(BasicAuth),
    };

    private static string? OrNull(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
