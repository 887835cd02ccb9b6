namespace QbSync.Host.Configuration;

/// <summary>
/// Finds each option's value, highest first: flag, <c>QBSYNC_ROLE_NAME</c>, conventional variable, configuration file or folder of secrets, default. Collects
/// every error before it gives up.
/// </summary>
/// <param name="only">Options that count, for commands that are no role; then none is required, and names that nobody has are passed over.</param>
internal sealed class OptionReader(Roles role, OptionSources sources, OptionErrors errors, IReadOnlySet<string>? only = null)
{
    private const string FileSuffix = "-file";

    // Empty means unset for these: orchestrators define them for every program.
    private static readonly Dictionary<string, string[]> Conventional = new()
    {
        ["health-addr"] = ["HTTP_PORT", "HEALTH_PORT"],
        ["listen"] = ["GRPC_PORT", "PORT"],
    };

    private readonly IReadOnlyDictionary<string, IReadOnlyList<string>> _flags = sources.Flags;
    private readonly IReadOnlyDictionary<string, string> _environment = sources.Environment;
    private readonly IReadOnlyDictionary<string, ConfigEntry> _file = sources.File?[role] ?? new Dictionary<string, ConfigEntry>();
    private readonly string? _secrets = SecretsFolder.Find(sources.Environment, errors);
    private readonly List<(string Option, string File)> _openSecretFiles = [];
    private readonly Dictionary<string, string> _secretFiles = [];

    /// <summary>Options whose secret came from a file that others may read, with that file.</summary>
    public IReadOnlyList<(string Option, string File)> OpenSecretFiles => _openSecretFiles;

    /// <summary>Every option whose secret came from a file, with that file.</summary>
    public IReadOnlyDictionary<string, string> SecretFiles => _secretFiles;

    /// <summary>What an option is called in a message about the configuration file.</summary>
    private string FilePrefix => $"{sources.File?.Path}:{role.ToString().ToLowerInvariant()}.";

    public OptionValues Read()
    {
        var values = new Dictionary<string, OptionValue>();
        foreach (var option in OptionCatalog.For(role).Where(option => only?.Contains(option.Name) != false))
        {
            var given = Find(option);
            var parsed = OptionParser.Parse(
                only is null ? option : option with { IsRequired = false, MayBeEmpty = true }, given, option.GetEnvironmentName(role), errors);
            values[option.Name] = new OptionValue(option, parsed is Secret or JsonEntries ? parsed.ToString()! : given.Raw, given.Origin, parsed);
        }

        if (only is null)
        {
            RefuseUnknownNames();
        }

        return new OptionValues(values);
    }

    /// <summary>
    /// Options that several places set to different values, with the place that counts and the first that does not. What is wrong with them is said elsewhere, so
    /// give this reader errors that nobody reads.
    /// </summary>
    public IEnumerable<(OptionDefinition Option, string Kept, string PassedOver)> FindContradictions()
    {
        foreach (var option in OptionCatalog.For(role))
        {
            OptionText?[] places = [FindFlag(option), FindVariable(option), FindConventional(option), FindInFile(option)];
            var given = places.OfType<OptionText>().Select(text => new OptionValue(option, "", text.Origin, OptionParser.Parse(option, text, "", errors))).ToList();
            if (given.Skip(1).FirstOrDefault(value => !value.IsSame(given[0])) is { } other)
            {
                yield return (option, given[0].Origin, other.Origin);
            }
        }
    }

    private OptionText Find(OptionDefinition option)
    {
        return FindFlag(option) ?? FindVariable(option) ?? FindConventional(option) ?? FindInFile(option) ?? new OptionText(option.Default, OptionValue.DefaultOrigin);
    }

    private OptionText? FindFlag(OptionDefinition option)
    {
        var fileFlag = option.IsSecret ? _flags.GetValueOrDefault(option.Name + FileSuffix) : null;
        var given = _flags.GetValueOrDefault(option.Name);
        if ((option.Kind != OptionKind.List && given?.Count > 1) || fileFlag?.Count > 1 || (given is not null && fileFlag is not null))
        {
            errors.Report(option.Name, OptionValue.FlagOrigin, "given more than once", "Give it once.");
        }

        if (given is not null)
        {
            // A bare flag says yes.
            return new OptionText(option.Kind == OptionKind.Boolean && given.Count == 0 ? "true" : string.Join(';', given), OptionValue.FlagOrigin);
        }

        return fileFlag is null ? null : ReadSecret(option, fileFlag.FirstOrDefault() ?? "", $"--{option.Name}{FileSuffix}");
    }

    private OptionText? FindVariable(OptionDefinition option)
    {
        var name = option.GetEnvironmentName(role);
        var value = _environment.GetValueOrDefault(name);
        if (option.IsSecret && _environment.GetValueOrDefault(name + "_FILE") is { } path)
        {
            if (value is not null)
            {
                errors.Report(option.Name, name, $"set both by {name} and {name}_FILE", "Set one of them.");
            }

            return ReadSecret(option, path, name + "_FILE");
        }

        return value is null ? null : new OptionText(value, name);
    }

    private OptionText? FindConventional(OptionDefinition option)
    {
        foreach (var conventional in Conventional.GetValueOrDefault(option.Name, []))
        {
            // tcp:// is what a service link of Kubernetes puts there.
            if (_environment.GetValueOrDefault(conventional) is { Length: > 0 } port && !port.StartsWith("tcp://", StringComparison.Ordinal))
            {
                return new OptionText(port, conventional);
            }
        }

        return null;
    }

    /// <summary>The configuration file and the folder of secrets are one level.</summary>
    private OptionText? FindInFile(OptionDefinition option)
    {
        var inFile = ReadEntry(option, option.Name, option.Kind);
        var named = option.IsSecret ? ReadEntry(option, option.Name + FileSuffix, OptionKind.Path) : null;
        var inFolder = option.IsSecret && _secrets is not null && Path.Join(_secrets, option.Name) is var path && File.Exists(path) ? path : null;
        if (new[] { inFile is not null, named is not null, inFolder is not null }.Count(static one => one) > 1)
        {
            var places = new[] { inFile?.Origin, named?.Origin, inFolder }.OfType<string>();
            errors.Report(option.Name, FilePrefix + option.Name, $"set by {string.Join(" and by ", places)}", "Set one of them.");
        }

        return inFile
            ?? (named is { } file ? ReadSecret(option, file.Raw, file.Origin) : (OptionText?)null)
            ?? (inFolder is null ? (OptionText?)null : ReadSecret(option, inFolder, inFolder));
    }

    private OptionText? ReadEntry(OptionDefinition option, string key, OptionKind kind)
    {
        if (!_file.TryGetValue(key, out var entry))
        {
            return null;
        }

        if (entry.Fits(kind))
        {
            return new OptionText(entry.Text, FilePrefix + key, entry.Items);
        }

        errors.Report(key, FilePrefix + key, option.HidesText ? "not understood" : $"{entry.Text} is not understood", OptionParser.GetExpected(option));
        return new OptionText(option.Default, OptionValue.DefaultOrigin);
    }

    private OptionText ReadSecret(OptionDefinition option, string path, string origin)
    {
        try
        {
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead)) != 0)
            {
                _openSecretFiles.Add((option.Name, path));
            }

            _secretFiles[option.Name] = Path.GetFullPath(path);
            return new OptionText(Secret.ReadFile(path), origin);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            errors.Report(option.Name, origin, $"{path} cannot be read", "Name a file that this user can read.");
            return new OptionText("", origin);
        }
    }

    private void RefuseUnknownNames()
    {
        string[] keys = [.. OptionCatalog.For(role).SelectMany(static option => option.IsSecret ? new[] { option.Name, option.Name + FileSuffix } : [option.Name])];
        foreach (var key in _file.Keys.Except(keys))
        {
            errors.ReportUnknown(FilePrefix, key, keys);
        }

        var prefix = $"QBSYNC_{role.ToString().ToUpperInvariant()}_";
        string[] variables = [.. keys.Select(key => prefix + key.ToUpperInvariant().Replace('-', '_'))];
        foreach (var name in _environment.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).Except(variables).Order(StringComparer.Ordinal))
        {
            if (!IsServiceLink(name))
            {
                errors.ReportUnknown("", name, variables);
            }
        }
    }

    /// <summary>Whether Kubernetes makes such a variable for a service that has the name of this program.</summary>
    public static bool IsServiceLink(string name) =>
        name.Contains("_SERVICE_", StringComparison.Ordinal) || name.EndsWith("_PORT", StringComparison.Ordinal) || name.Contains("_PORT_", StringComparison.Ordinal);
}
