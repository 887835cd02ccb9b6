using System.Globalization;

namespace QbSync.Host.Configuration;

/// <summary>
/// Finds each option's value, highest first: flag, <c>QBSYNC_ROLE_NAME</c>, conventional variable, default. Collects every error before it gives up.
/// </summary>
/// <param name="only">Options that count, for commands that are no role; then none is required, and variables of others are passed over.</param>
internal sealed class OptionReader(
    Roles role,
    IReadOnlyDictionary<string, IReadOnlyList<string>> flags,
    IReadOnlyDictionary<string, string> environment,
    IReadOnlySet<string>? only = null)
{
    // Empty means unset for these: orchestrators define them for every program.
    private static readonly Dictionary<string, string[]> Conventional = new()
    {
        ["health-addr"] = ["HTTP_PORT", "HEALTH_PORT"],
        ["listen"] = ["GRPC_PORT", "PORT"],
    };

    private readonly List<string> _errors = [];
    private readonly List<(string Option, string File)> _openSecretFiles = [];
    private readonly Dictionary<string, string> _secretFiles = [];

    public IReadOnlyList<string> Errors => _errors;

    /// <summary>Options whose secret came from a file that others may read, with that file.</summary>
    public IReadOnlyList<(string Option, string File)> OpenSecretFiles => _openSecretFiles;

    /// <summary>Every option whose secret came from a file, with that file.</summary>
    public IReadOnlyDictionary<string, string> SecretFiles => _secretFiles;

    public OptionValues Read()
    {
        var values = new Dictionary<string, OptionValue>();
        foreach (var option in OptionCatalog.For(role).Where(option => only?.Contains(option.Name) != false))
        {
            var (raw, origin) = Find(option);
            var parsed = Parse(only is null ? option : option with { IsRequired = false, MayBeEmpty = true }, raw, origin);
            values[option.Name] = new OptionValue(option, parsed is Secret secret ? secret.ToString() : raw, origin, parsed);
        }

        if (only is null)
        {
            RefuseUnknownVariables();
        }

        return new OptionValues(values);
    }

    /// <summary>Adds an error in the one form that all have.</summary>
    public void Report(string name, string origin, string problem, string remedy) => _errors.Add($"--{name} (from {origin}): {problem}. {remedy}");

    private (string Raw, string Origin) Find(OptionDefinition option)
    {
        if (flags.TryGetValue(option.Name, out var given))
        {
            if ((option.Kind != OptionKind.List && given.Count > 1) || (option.IsSecret && flags.ContainsKey(option.Name + "-file")))
            {
                Report(option.Name, "flag", "given more than once", "Give it once.");
            }

            // A bare flag says yes.
            return (option.Kind == OptionKind.Boolean && given.Count == 0 ? "true" : string.Join(';', given), OptionValue.FlagOrigin);
        }

        if (option.IsSecret && flags.TryGetValue(option.Name + "-file", out var file))
        {
            return ReadSecret(option, file[0], $"--{option.Name}-file");
        }

        var name = option.GetEnvironmentName(role);
        if (option.IsSecret && environment.TryGetValue(name + "_FILE", out var path))
        {
            if (environment.ContainsKey(name))
            {
                Report(option.Name, name, $"set both by {name} and {name}_FILE", "Set one of them.");
            }

            return ReadSecret(option, path, name + "_FILE");
        }

        if (environment.TryGetValue(name, out var value))
        {
            return (value, name);
        }

        foreach (var conventional in Conventional.GetValueOrDefault(option.Name, []))
        {
            // tcp:// is what a service link of Kubernetes puts there.
            if (environment.GetValueOrDefault(conventional) is { Length: > 0 } port && !port.StartsWith("tcp://", StringComparison.Ordinal))
            {
                return (port, conventional);
            }
        }

        return (option.Default, OptionValue.DefaultOrigin);
    }

    private (string Raw, string Origin) ReadSecret(OptionDefinition option, string path, string origin)
    {
        try
        {
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead)) != 0)
            {
                _openSecretFiles.Add((option.Name, path));
            }

            _secretFiles[option.Name] = Path.GetFullPath(path);
            return (Secret.ReadFile(path), origin);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            Report(option.Name, origin, $"{path} cannot be read", "Name a file that this user can read.");
            return ("", origin);
        }
    }

    private object? Parse(OptionDefinition option, string raw, string origin)
    {
        if (raw.Length == 0)
        {
            if (option.IsRequired)
            {
                Report(option.Name, origin, "not set", $"Set the flag or {option.GetEnvironmentName(role)}.");
            }
            else if (!option.MayBeEmpty)
            {
                Report(option.Name, origin, "empty", "Give a value or leave it out.");
            }

            return option.IsSecret ? default(Secret) : option.Kind switch
            {
                OptionKind.Text or OptionKind.Path or OptionKind.Choice => "",
                OptionKind.List => Array.Empty<string>(),
                OptionKind.Duration => TimeSpan.Zero,
                OptionKind.Size or OptionKind.Rate => 0L,
                OptionKind.Integer => 0,
                OptionKind.Boolean => false,
                OptionKind.Url or OptionKind.Address => null,
            };
        }

        if (ParseValue(option, raw) is not { } parsed)
        {
            Report(option.Name, origin, option.IsSecret ? "not understood" : $"\"{raw}\" is not understood", Expected(option));
            return Parse(option with { IsRequired = false, MayBeEmpty = true }, "", origin);
        }

        if (parsed is IComparable value
            && ((option.Min.Length > 0 && value.CompareTo(ParseValue(option, option.Min)) < 0)
                || (option.Max.Length > 0 && value.CompareTo(ParseValue(option, option.Max)) > 0)))
        {
            Report(option.Name, origin, $"\"{raw}\" is out of range", $"Use {option.Min}{(option.Max.Length > 0 ? $" to {option.Max}" : " or more")}.");
        }

        return parsed;
    }

    private static object? ParseValue(OptionDefinition option, string raw)
    {
        switch (option.Kind)
        {
            case OptionKind.Text when option.IsSecret:
                return new Secret(raw);
            case OptionKind.Text:
                return raw;
            case OptionKind.Path:
                return Path.GetFullPath(raw);
            case OptionKind.Url:
                return Uri.TryCreate(raw, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url!.UserInfo.Length == 0 ? url : null;
            case OptionKind.Duration:
                Units.TryParseDuration(option.PlainUnit, TimeSpan.Zero, out var unit);
                return Units.TryParseDuration(raw, unit, out var duration) ? duration : null;
            case OptionKind.Size:
                Units.TryParseSize(option.PlainUnit, 1, out var plain);
                return Units.TryParseSize(raw, plain, out var size) ? size : null;
            case OptionKind.Rate:
                return Units.TryParseRate(raw, out var rate) ? rate : null;
            case OptionKind.Address:
                return Units.TryParseAddress(raw, out var address) ? address : null;
            case OptionKind.Integer:
                return int.TryParse(raw, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
            case OptionKind.Boolean:
                return raw is "true" or "1" ? true : raw is "false" or "0" ? false : null;
            case OptionKind.Choice:
                return option.Choices.Contains(raw) ? raw : null;
            case OptionKind.List:
                return raw.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            default:
                throw new ArgumentOutOfRangeException(nameof(option), option.Kind, "Unknown kind.");
        }
    }

    private static string Expected(OptionDefinition option) => option.Kind switch
    {
        OptionKind.Text or OptionKind.Path or OptionKind.List => "Give a text.",
        OptionKind.Url => "Give an address like http://127.0.0.1:8080, without user name or password in it.",
        OptionKind.Duration => "Give a time like 250ms, 30s or 1h30m.",
        OptionKind.Size => "Give a size like 512KiB, 20MB or 50GiB.",
        OptionKind.Rate => "Give a rate like 20MiB/s or 200Mbit/s, or 0.",
        OptionKind.Address => "Give host:port, [v6]:port, :port or port.",
        OptionKind.Integer => "Give a whole number.",
        OptionKind.Boolean => "Give true or false.",
        OptionKind.Choice => $"Give one of: {string.Join(", ", option.Choices)}.",
    };

    private void RefuseUnknownVariables()
    {
        var prefix = $"QBSYNC_{role.ToString().ToUpperInvariant()}_";
        var known = OptionCatalog.For(role).SelectMany(option => new[] { option.GetEnvironmentName(role), option.GetEnvironmentName(role) + "_FILE" }).ToHashSet();
        foreach (var name in environment.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            if (!known.Contains(name) && !IsServiceLink(name))
            {
                _errors.Add($"{name}: no such option. The closest is {known.MinBy(candidate => Distance(candidate, name))}.");
            }
        }
    }

    private static bool IsServiceLink(string name) =>
        name.Contains("_SERVICE_", StringComparison.Ordinal) || name.EndsWith("_PORT", StringComparison.Ordinal) || name.Contains("_PORT_", StringComparison.Ordinal);

    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var next = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = row[j];
                row[j] = next;
            }
        }

        return row[^1];
    }
}
