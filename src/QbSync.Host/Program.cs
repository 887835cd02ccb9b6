using System.CommandLine;
using QbSync.Host.Commands;
using QbSync.Host.Configuration;
using QbSync.Host.Lifetime;
using Spectre.Console;

var root = new RootCommand("QbSync moves torrents between two qBittorrent machines, piece by piece, while they still download.");
root.Subcommands.Add(RoleCommand.Create(Roles.Source));
root.Subcommands.Add(RoleCommand.Create(Roles.Destination));
root.Subcommands.Add(DemoCommand.Create());
root.Subcommands.Add(StatusCommand.Create());
root.Subcommands.Add(DoctorCommand.Create());
root.Subcommands.Add(CheckCommand.Create());
root.Subcommands.Add(ControlCommands.CreateDrain());
root.Subcommands.Add(ControlCommands.CreateRetry());
root.Subcommands.Add(ControlCommands.CreateHandoff());
root.Subcommands.Add(ControlCommands.CreateReload());
root.Subcommands.Add(PlanCommands.CreatePlan());
root.Subcommands.Add(PlanCommands.CreateExplain());
root.Subcommands.Add(PairCommand.Create());
root.Subcommands.Add(IdCommand.Create());
root.Subcommands.Add(ReferenceCommand.Create());

var noColor = new Option<bool>("--no-color") { Description = "Write without colours, as with NO_COLOR in the environment.", Recursive = true };
root.Options.Add(noColor);
var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors)
    {
        await Console.Error.WriteLineAsync(error.Message);
    }

    await Console.Error.WriteLineAsync("See: qbsync --help");
    return ExitCodes.Usage;
}

if (parsed.GetValue(noColor))
{
    AnsiConsole.Profile.Capabilities.ColorSystem = ColorSystem.NoColors;
}

// The roles handle signals themselves, with more care than the parser's default of ending the process after two seconds.
return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
