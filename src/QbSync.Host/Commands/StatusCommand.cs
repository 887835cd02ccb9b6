using System.CommandLine;
using System.Text;
using QbSync.Host.Commands.Control;
using QbSync.Host.Lifetime;
using Spectre.Console;

namespace QbSync.Host.Commands;

/// <summary><c>qbsync status</c>: what a running role does, live on a terminal, or once for programs.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        var once = new Option<bool>("--once") { Description = "Show it once, as is done where there is no terminal." };
        var json = new Option<bool>("--json") { Description = "Print the status document, as /api/v1/status has it." };
        var probe = new Option<string?>("--probe") { Description = "Print nothing; end with 0 when livez or readyz says yes, else with 5." };
        probe.AcceptOnlyFromAmong("livez", "readyz");
        var command = new Command("status", "Show what a running role does. Keys: q quits, s sorts.") { once, json, probe };
        var flags = new ControlFlags(command, withUrl: true);
        command.SetAction(async (result, cancellationToken) =>
        {
            using var client = flags.Find(result, out var problem);
            if (client is null)
            {
                return result.GetValue(probe) is not null && problem.Length == 0 ? ExitCodes.NoPeer : await NoClientAsync(problem);
            }

            if (result.GetValue(probe) is { } name)
            {
                return await client.ProbeAsync(name, cancellationToken) ? ExitCodes.Done : ExitCodes.NoPeer;
            }

            try
            {
                return await ShowAsync(client, result.GetValue(json), result.GetValue(once), cancellationToken);
            }
            catch (CommandFailure error)
            {
                await Console.Error.WriteLineAsync(error.Message);
                return ExitCodes.NoPeer;
            }
        });
        return command;
    }

    /// <summary>Says why nobody can be asked.</summary>
    public static async Task<int> NoClientAsync(string problem)
    {
        await Console.Error.WriteLineAsync(problem.Length > 0
            ? problem
            : "No role runs here, as far as its state folder tells. Name the folder with --state-dir, or with --data that of a destination.");
        return problem.Length > 0 ? ExitCodes.Usage : ExitCodes.NoPeer;
    }

    private static async Task<int> ShowAsync(StatusClient client, bool asJson, bool once, CancellationToken cancellationToken)
    {
        var body = await client.ReadAsync(cancellationToken);
        var status = StatusClient.Parse(body);
        if (asJson)
        {
            Console.WriteLine(Encoding.UTF8.GetString(body));
            return ExitCodes.Done;
        }

        var console = AnsiConsole.Console;
        if (once || Console.IsOutputRedirected || !console.Profile.Capabilities.Interactive)
        {
            console.Write(StatusScreen.Draw(status, console.Profile.Width, null, StatusOrder.Told));
            return ExitCodes.Done;
        }

        try
        {
            await new StatusView(console, client, TimeProvider.System, ReadKey).ShowAsync(status, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }

        return ExitCodes.Done;
    }

    private static ConsoleKey? ReadKey() => !Console.IsInputRedirected && Console.KeyAvailable ? Console.ReadKey(intercept: true).Key : null;
}
