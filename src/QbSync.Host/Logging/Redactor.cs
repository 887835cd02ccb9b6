using System.Text.RegularExpressions;

namespace QbSync.Host.Logging;

/// <summary>
/// Takes out of a text what nobody may read there: this role's own secrets, and what looks like a passkey, a cookie, a token, a password in an address or the
/// path of a webhook. Immutable but for its secrets; thread-safe.
/// </summary>
/// <param name="secrets">The role's own, each as it is; those of less than four characters are in too many words.</param>
internal sealed partial class Redactor(IEnumerable<string> secrets)
{
    private const string Hidden = "***";
    private const int LeastSecret = 4;

    // The longest first: one may be a part of another.
    private readonly string[] _secrets =
        [.. secrets.SelectMany(Spell).Where(static secret => secret.Length >= LeastSecret).Distinct().OrderByDescending(static secret => secret.Length)];

    /// <summary>The text without them.</summary>
    public string Redact(string text)
    {
        foreach (var secret in _secrets)
        {
            text = text.Replace(secret, Hidden, StringComparison.Ordinal);
        }

        text = UserInfo().Replace(text, "$1" + Hidden + "@");
        text = Named().Replace(text, "$1" + Hidden);
        text = Scheme().Replace(text, "$1" + Hidden);
        text = AnnouncePath().Replace(text, "$1" + Hidden);
        return WebhookPath().Replace(text, "$1" + Hidden);
    }

    /// <summary>As it is, and as an address has it.</summary>
    private static IEnumerable<string> Spell(string secret) => [secret, Uri.EscapeDataString(secret)];

    [GeneratedRegex(@"([a-z][a-z0-9+.-]*://)[^/\s@?#]+@", RegexOptions.IgnoreCase)]
    private static partial Regex UserInfo();

    [GeneratedRegex(
        @"(\b(?:passkey|pass_key|authkey|auth_key|torrent_pass|rsskey|apikey|api_key|api-key|access_token|token|secret|password|passwd|SID|QBT_SID(?:_\d+)?)(?:=|""\s*:\s*""))[^\s&;,""'<>)]+",
        RegexOptions.IgnoreCase)]
    private static partial Regex Named();

    [GeneratedRegex(@"(\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{6,}", RegexOptions.IgnoreCase)]
    private static partial Regex Scheme();

    /// <summary>Trackers have a user's key as a part of the path, before or after the word announce.</summary>
    [GeneratedRegex(@"(://[^\s?#]*?/)[A-Za-z0-9_-]{16,}(?=/(?:announce|scrape))|(?<=/announce/)[A-Za-z0-9_-]{8,}", RegexOptions.IgnoreCase)]
    private static partial Regex AnnouncePath();

    [GeneratedRegex(@"(/(?:webhooks?|hooks|services)/)[^\s""'<>]+", RegexOptions.IgnoreCase)]
    private static partial Regex WebhookPath();
}
