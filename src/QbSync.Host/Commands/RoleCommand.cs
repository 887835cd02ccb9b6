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
        var flags = new RoleFlags(command, role);
        var printConfig = new Option<bool>("--print-config") { Description = "Show each option with its origin, and end." };
        command.Options.Add(printConfig);
        command.SetAction((result, _) => RunAsync(role, flags.Read(result), result.GetValue(printConfig)));
        return command;
    }

    private static async Task<int> RunAsync(Roles role, SettingsSource source, bool printConfig)
    {
        var errors = new OptionErrors();
        if (source.Read(errors) is not { } settings)
        {
            foreach (var error in errors.All)
            {
                await Console.Error.WriteLineAsync(error);
            }

            await Console.Error.WriteLineAsync($"See: qbsync {role.ToString().ToLowerInvariant()} --help");
            return ExitCodes.Usage;
        }

        if (printConfig)
        {
            Console.Write(PrintedConfig.Format(settings));
            return ExitCodes.Done;
        }

        if (settings.Values.Octal("umask") is { } mask)
        {
            Umask.Set(mask);
        }

        using var lines = new LogLines(
            Console.Out,
            settings.Values.Choice<LogFormat>("log-format"),
            LogLines.ParseLevel(settings.LogLevel),
            new Redactor(settings.Secrets),
            TimeProvider.System);
        using var loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(lines));
        var reloads = new ReloadRequests();
        using var signals = new Signals(reloads.Post);
        using var supervisor = SystemdNotifier.Create(source.Environment, Environment.ProcessId);
        RoleNode node = role == Roles.Source
            ? new SourceNode(settings, loggers, TimeProvider.System, new Random(), InClusterApi.Find(source.Environment)) { Reloads = reloads }
            : new DestinationNode(settings, loggers, TimeProvider.System, new Random()) { Reloads = reloads };
        var reloader = new Reloader(node, settings, source, reloads, lines, loggers.CreateLogger<Reloader>());
        return await new RoleRunner(node, settings, supervisor, reloader, loggers).RunAsync(signals);
    }
}
