using System.CommandLine;
using Microsoft.Extensions.Logging;
using QbSync.Host.Configuration;
using QbSync.Host.Logging;

namespace QbSync.Host.Commands.Control;

/// <summary>The options of the commands that say what would be done: which source is asked, or by which options it is reckoned without one.</summary>
internal sealed class PlanFlags
{
    private readonly Option<bool> _offline = new("--offline")
    {
        Description = "Ask no source: reckon it here from client, destination and state, which is only read. Takes the options of qbsync source.",
    };

    private readonly Option<bool> _json = new("--json") { Description = "Answer with one JSON document." };
    private readonly Option<string> _logLevel = new("--log-level") { Description = "Of what --offline logs, to the error stream.", DefaultValueFactory = static _ => "warning" };
    private readonly Dictionary<string, Option<string[]>> _options = [];

    public PlanFlags(Command command)
    {
        Control = new ControlFlags(command, withUrl: true, Roles.Source);
        command.Options.Add(_offline);
        command.Options.Add(_json);
        _logLevel.AcceptOnlyFromAmong("trace", "debug", "info", "warning", "error");
        command.Options.Add(_logLevel);
        var taken = command.Options.Select(static option => option.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var option in OptionCatalog.For(Roles.Source))
        {
            Add(option.Name);
            if (option.IsSecret)
            {
                Add(option.Name + "-file");
            }
        }

        void Add(string name)
        {
            if (taken.Contains("--" + name))
            {
                return;
            }

            // Those of the role, which its own help shows.
            _options[name] = new Option<string[]>("--" + name) { Hidden = true, AllowMultipleArgumentsPerToken = false, Arity = ArgumentArity.ZeroOrMore };
            command.Options.Add(_options[name]);
        }
    }

    /// <summary>Which source is asked.</summary>
    public ControlFlags Control { get; }

    public bool IsOffline(ParseResult result) => result.GetValue(_offline);

    /// <summary>Whether one JSON document is the answer.</summary>
    public bool IsJson(ParseResult result) => result.GetValue(_json);

    public LogLevel LogLevel(ParseResult result) => LogLines.ParseLevel(result.GetValue(_logLevel)!);

    /// <summary>The source's settings, for a dry run; null when anything is wrong, which has been said then.</summary>
    public RoleSettings? Read(ParseResult result)
    {
        var flags = Control.Named(result);
        foreach (var (name, option) in _options)
        {
            if (result.GetResult(option) is { Implicit: false })
            {
                flags[name] = result.GetValue(option) ?? [];
            }
        }

        flags["dry-run"] = ["true"];
        var errors = new OptionErrors();
        var settings = new SettingsSource(Roles.Source, flags, EnvironmentVariables.Read(), Control.ConfigFlag(result)).Read(errors);
        foreach (var error in errors.All)
        {
            Console.Error.WriteLine(error);
        }

        return settings;
    }
}
