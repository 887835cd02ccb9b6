using System.CommandLine;
using QbSync.Host.Configuration;

namespace QbSync.Host.Commands;

/// <summary>Every option of a role as flags of a command, for commands that read the role's whole configuration.</summary>
internal sealed class RoleFlags
{
    private readonly Roles _role;
    private readonly Dictionary<string, Option<string[]>> _flags = [];
    private readonly Option<string?> _config = new("--config") { Description = ConfigFile.FlagHelp };

    public RoleFlags(Command command, Roles role)
    {
        _role = role;
        foreach (var option in OptionCatalog.For(role))
        {
            Add(command, option.Name, option.Describe(role));
            if (option.IsSecret)
            {
                Add(command, option.Name + "-file", $"The same, from a file. [{option.GetEnvironmentName(role)}_FILE]");
            }
        }

        command.Options.Add(_config);
    }

    /// <summary>Where the role's settings come from, by these flags.</summary>
    public SettingsSource Read(ParseResult result) => new(
        _role,
        _flags.Where(flag => result.GetResult(flag.Value) is { Implicit: false })
            .ToDictionary(flag => flag.Key, IReadOnlyList<string> (flag) => result.GetValue(flag.Value) ?? []),
        EnvironmentVariables.Read(),
        result.GetValue(_config));

    private void Add(Command command, string name, string help)
    {
        var flag = new Option<string[]>("--" + name) { Description = help, AllowMultipleArgumentsPerToken = false, Arity = ArgumentArity.ZeroOrMore };
        _flags[name] = flag;
        command.Options.Add(flag);
    }
}
