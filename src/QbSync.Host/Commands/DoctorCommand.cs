using System.CommandLine;
using QbSync.Host.Configuration;
using QbSync.Host.Doctor;
using QbSync.Host.Logging;

namespace QbSync.Host.Commands;

/// <summary><c>qbsync doctor ROLE</c>: looks, before a role runs, whether all that it needs is there.</summary>
internal static class DoctorCommand
{
    public static Command Create() => new("doctor", "Look whether a configuration would work, and what to change. Takes the options of the role; writes nothing that stays.")
    {
        Create(Roles.Source),
        Create(Roles.Destination),
    };

    private static Command Create(Roles role)
    {
        var name = role.ToString().ToLowerInvariant();
        var json = new Option<bool>("--json") { Description = "Answer with one JSON document." };
        var strict = new Option<bool>("--strict") { Description = "End with 4 on a warning, too." };
        var command = new Command(name, $"Look whether a {name} would work by this configuration.") { json, strict };
        var flags = new RoleFlags(command, role);
        command.SetAction((result, cancellationToken) => RunAsync(flags.Read(result), result.GetValue(json), result.GetValue(strict), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(SettingsSource source, bool asJson, bool isStrict, CancellationToken cancellationToken)
    {
        var redactor = new Redactor(source.Read(new OptionErrors())?.Values.Secrets ?? []);
        var lines = await new DoctorRunner(source, TimeProvider.System).RunAsync(
            line =>
            {
                if (!asJson)
                {
                    Console.WriteLine(DoctorReport.ToLine(line, redactor));
                }
            },
            cancellationToken);
        if (asJson)
        {
            Console.WriteLine(DoctorReport.ToJson(source.Role, lines, isStrict, redactor));
        }

        return DoctorReport.GetExitCode(lines, isStrict);
    }
}
