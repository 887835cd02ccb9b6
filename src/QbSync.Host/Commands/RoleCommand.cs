using System.CommandLine;
using Microsoft.Extensions.Logging;
using QbSync.Host.Configuration;
using QbSync.Host.Kubernetes;
using QbSync.Host.Lifetime;
using QbSync.Host.Logging;

namespace QbSync.Host.Commands;

/// <summary><c>qbsync source</c> and <c>qbsync destination</c>: run a role until a signal ends it.</summary>
internal static class RoleCommand
{
    public static Command Create(Roles role)
    {
        var command = new Command(role == Roles.Source ? "source" : "destination", role == Roles.Source
            ? "Send the torrents of this machine's client to a destination while they still download."
            : "Take torrents in, verify them, and add them to this machine's client.");
        var flags = new Dictionary<string, Option<string[]>>();
        foreach (var option in OptionCatalog.For(role))
        {
            AddFlag(option.Name, option.Describe(role));
            if (option.IsSecret)
            {
                AddFlag(option.Name + "-file", $"The same, from a file. [{option.GetEnvironmentName(role)}_FILE]");
            }
        }

        var printConfig = new Option<bool>("--print-config") { Description = "Show each option with its origin, and end." };
        command.Options.Add(printConfig);
        command.SetAction((result, _) => RunAsync(
            role,
            flags.Where(flag => result.GetResult(flag.Value) is { Implicit: false })
                .ToDictionary(flag => flag.Key, IReadOnlyList<string> (flag) => result.GetValue(flag.Value) ?? []),
            result.GetValue(printConfig)));
        return command;

        void AddFlag(string name, string help)
        {
            var flag = new Option<string[]>("--" + name) { Description = help, AllowMultipleArgumentsPerToken = false, Arity = ArgumentArity.ZeroOrMore };
            flags[name] = flag;
            command.Options.Add(flag);
        }
    }

    private static async Task<int> RunAsync(Roles role, IReadOnlyDictionary<string, IReadOnlyList<string>> flags, bool printConfig)
    {
        var environment = EnvironmentVariables.Read();
        var settings = RoleSettings.Read(role, flags, environment, out var errors);
        if (settings is null)
        {
            foreach (var error in errors)
            {
                await Console.Error.WriteLineAsync(error);
            }

            await Console.Error.WriteLineAsync($"See: qbsync {role.ToString().ToLowerInvariant()} --help");
            return ExitCodes.Usage;
        }

        if (printConfig)
        {
            foreach (var value in settings.Values.All)
            {
                var shown = value.Definition.Name == "state-dir" ? settings.StateDirectory : value.Raw;
                Console.WriteLine($"{value.Definition.Name,-22} {shown}  ({value.Origin})");
            }

            return ExitCodes.Done;
        }

        using var lines = new ConsoleLines(Console.Out, ConsoleLines.ParseLevel(settings.LogLevel), TimeProvider.System);
        using var loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(lines));
        using var signals = new Signals();
        using var supervisor = SystemdNotifier.Create(environment, Environment.ProcessId);
        RoleNode node = role == Roles.Source
            ? new SourceNode(settings, loggers, TimeProvider.System, new Random(), InClusterApi.Find(environment))
            : new DestinationNode(settings, loggers, TimeProvider.System, new Random());
        return await new RoleRunner(node, settings, supervisor, loggers).RunAsync(signals);
    }
}
