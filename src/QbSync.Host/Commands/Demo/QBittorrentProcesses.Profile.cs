using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace QbSync.Host.Commands.Demo;

/// <summary>How a client is to be started.</summary>
internal sealed class QBittorrentInstanceOptions
{
    /// <summary>Its own folder: settings, records, by default downloads. Made if absent, and kept for a second start.</summary>
    public required string Directory { get; init; }

    /// <summary>Default save path; <c>downloads</c> in its folder when null.</summary>
    public string? SavePath { get; init; }

    /// <summary>Port of its WebUI; a free one when null. For a second start at the same address.</summary>
    public int? WebPort { get; init; }

    /// <summary>Whether loopback has to log in.</summary>
    public bool RequireLogin { get; init; }

    /// <summary>The user name it accepts.</summary>
    public string Username { get; init; } = "admin";

    /// <summary>The password it accepts.</summary>
    public string Password { get; init; } = "loopback-only";

    /// <summary>Further settings, as in <c>Session\TempPathEnabled</c>; of versions before 4.4, as in <c>Downloads\TempPathEnabled</c>.</summary>
    public IReadOnlyDictionary<string, string> Session { get; init; } = new Dictionary<string, string>();
}

/// <summary>
/// The settings file, complete before the first start so that nothing leaves loopback. Keys of all generations stand side by side:
/// WebUI keys moved from <c>Preferences</c> to <c>WebUI</c> in 5.3, session keys from <c>Preferences</c> to <c>BitTorrent</c> in 4.4.
/// </summary>
internal static class QBittorrentProfile
{
    private const int Rounds = 100_000;

    public static string Write(QBittorrentInstanceOptions options, string savePath, int webPort, int peerPort)
    {
        (string Key, string Value)[] web =
        [
            ("Enabled", "true"),
            ("Address", "127.0.0.1"),
            ("Port", Number(webPort)),
            ("UseUPnP", "false"),
            ("LocalHostAuth", options.RequireLogin ? "true" : "false"),
            ("Username", Quote(options.Username)),
            ("Password_PBKDF2", HashPassword(options.Password)),
        ];
        var text = new StringBuilder();
        Section(text, "LegalNotice", [("Accepted", "true")]);
        Section(text, "Meta", [("MigrationVersion", "99")]);
        Section(text, "Network", [("PortForwardingEnabled", "false")]);
        Section(text, "BitTorrent", Session(options, savePath, peerPort));
        Section(text, "Preferences", [.. web.Select(static entry => ("WebUI\\" + entry.Key, entry.Value)), .. Legacy(options, savePath, peerPort)]);
        Section(text, "WebUI", web);
        return text.ToString();
    }

    private static List<(string Key, string Value)> Session(QBittorrentInstanceOptions options, string savePath, int peerPort)
    {
        var settings = new Dictionary<string, string>
        {
            ["Session\\Port"] = Number(peerPort),
            ["Session\\Interface"] = "lo",
            ["Session\\InterfaceName"] = "lo",
            ["Session\\InterfaceAddress"] = "127.0.0.1",
            ["Session\\DefaultSavePath"] = Quote(savePath),
            ["Session\\TempPathEnabled"] = "false",
            ["Session\\DHTEnabled"] = "false",
            ["Session\\PeXEnabled"] = "false",
            ["Session\\LSDEnabled"] = "false",
            ["Session\\BTProtocol"] = "TCP",
            ["Session\\QueueingSystemEnabled"] = "false",
            ["Session\\Preallocation"] = "false",
            ["Session\\MultiConnectionsPerIp"] = "true",
            ["Session\\IgnoreLimitsOnLAN"] = "false",
        };
        foreach (var (key, value) in options.Session.Where(static entry => entry.Key.StartsWith("Session\\", StringComparison.Ordinal)))
        {
            settings[key] = Quote(value);
        }

        return [.. settings.Select(static entry => (entry.Key, entry.Value))];
    }

    private static (string Key, string Value)[] Legacy(QBittorrentInstanceOptions options, string savePath, int peerPort) =>
    [
        ("General\\Locale", "en"),
        ("Connection\\PortRangeMin", Number(peerPort)),
        ("Connection\\Interface", "lo"),
        ("Connection\\InterfaceName", "lo"),
        ("Connection\\InterfaceAddress", "127.0.0.1"),
        ("Connection\\UPnP", "false"),

        // Else it fetches a list of the world's addresses by countries, and looks up the name of who has it.
        ("Connection\\ResolvePeerCountries", "false"),
        ("Bittorrent\\DHT", "false"),
        ("Bittorrent\\PeX", "false"),
        ("Bittorrent\\LSD", "false"),
        ("Bittorrent\\uTP", "false"),
        ("Queueing\\QueueingEnabled", "false"),
        ("Downloads\\PreAllocation", "false"),
        ("Downloads\\SavePath", Quote(savePath)),
        ("Advanced\\updateCheck", "false"),
        ("Advanced\\MultiConnectionsPerIp", "true"),
        .. options.Session.Where(static entry => !entry.Key.StartsWith("Session\\", StringComparison.Ordinal))
            .Select(static entry => (entry.Key, Quote(entry.Value))),
    ];

    private static void Section(StringBuilder text, string name, IEnumerable<(string Key, string Value)> entries)
    {
        text.Append('[').Append(name).Append("]\n");
        foreach (var (key, value) in entries)
        {
            text.Append(key).Append('=').Append(value).Append('\n');
        }

        text.Append('\n');
    }

    private static string HashPassword(string password)
    {
        var salt = RandomNumberGenerator.GetBytes(16);
        var key = Rfc2898DeriveBytes.Pbkdf2(password, salt, Rounds, HashAlgorithmName.SHA512, 64);
        return $"\"@ByteArray({Convert.ToBase64String(salt)}:{Convert.ToBase64String(key)})\"";
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    // The INI dialect of Qt: a bare comma makes a list, and \x takes every hexadecimal digit that follows, so such a digit is escaped too.
    private static string Quote(string value)
    {
        var text = new StringBuilder("\"");
        var afterEscape = false;
        foreach (var character in value)
        {
            var escaped = character is < ' ' or > '~' || (afterEscape && char.IsAsciiHexDigit(character));
            text.Append(escaped ? $"\\x{(int)character:x}" : character is '"' or '\\' ? $"\\{character}" : character.ToString());
            afterEscape = escaped;
        }

        return text.Append('"').ToString();
    }
}
