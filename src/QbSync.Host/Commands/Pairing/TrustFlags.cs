using System.CommandLine;
using QbSync.Host.Configuration;
using QbSync.Host.Lifetime;

namespace QbSync.Host.Commands.Pairing;

/// <summary>The options of the roles that say whose identity and peers are meant, for commands that are no role.</summary>
internal sealed class TrustFlags
{
    private readonly Dictionary<string, Option<string>> _flags = [];
    private readonly Option<string?> _role = new("--role") { Description = "source or destination: whose identity and peers are meant, where the options do not tell." };
    private readonly Option<string?> _config = new("--config") { Description = ConfigFile.FlagHelp };
    private readonly Option<bool> _json = new("--json") { Description = "Answer with one JSON document." };

    public TrustFlags(Command command)
    {
        _role.AcceptOnlyFromAmong("source", "destination");
        command.Options.Add(_role);
        foreach (var option in TrustSettings.Options)
        {
            var flag = new Option<string>("--" + option.Name) { Description = option.Help };
            _flags[option.Name] = flag;
            command.Options.Add(flag);
        }

        command.Options.Add(_config);
        command.Options.Add(_json);
    }

    /// <summary>Whether one JSON document is the answer.</summary>
    public bool IsJson(ParseResult result) => result.GetValue(_json);

    /// <summary>The settings that are meant; null when that is not known, or anything is wrong, which has been said then.</summary>
    /// <param name="otherwise">The role where nobody named one; null to find it.</param>
    public TrustSettings? Read(ParseResult result, Roles? otherwise)
    {
        var environment = EnvironmentVariables.Read();
        var flags = _flags.Where(flag => result.GetResult(flag.Value) is { Implicit: false })
            .ToDictionary(flag => flag.Key, IReadOnlyList<string> (flag) => [result.GetValue(flag.Value) ?? ""]);
        var errors = new OptionErrors();
        var sources = new OptionSources(flags, environment, ConfigFile.Find(result.GetValue(_config), environment, errors));
        var role = result.GetValue(_role) switch
        {
            "source" => Roles.Source,
            "destination" => Roles.Destination,
            _ => otherwise ?? TrustRole.Find(sources),
        };
        if (role is not { } known)
        {
            Console.Error.WriteLine("Whose? Give --role source, or --role destination with its --data or --state-dir.");
            return null;
        }

        var settings = TrustSettings.Read(known, sources, errors);
        foreach (var error in errors.All)
        {
            Console.Error.WriteLine(error);
        }

        return settings;
    }

    /// <summary>Runs a command, turning files that cannot be used into their exit code.</summary>
    public static async Task<int> RunAsync(Func<Task<int>> command)
    {
        try
        {
            return await command();
        }
        catch (Exception error) when (error is TrustException or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return ExitCodes.CouldNotStart;
        }
    }
}
