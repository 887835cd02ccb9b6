using System.CommandLine;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;
using QbSync.Host.Commands.Control;
using QbSync.Host.Lifetime;
using QbSync.Host.Logging;
using QbSync.Host.Reporting;
using QbSync.Torrents;

namespace QbSync.Host.Commands;

/// <summary><c>qbsync plan</c> and <c>qbsync explain</c>: what would be done, by a source that runs or, without one, by its options.</summary>
internal static class PlanCommands
{
    public static Command CreatePlan()
    {
        var command = new Command("plan", "Show what the source would do with each torrent, and the first reason for it.");
        var flags = new PlanFlags(command);
        command.SetAction((result, cancellationToken) => RunAsync(
            flags,
            result,
            "api/v1/plan",
            async (node, token) => await node.PlanOfflineAsync(token) is var plan && plan.IsKnown ? (HttpStatusCode.OK, PlanDocument.Of(plan).ToJson()) : NotKnown(plan.Problem),
            PlanText.OfPlan,
            cancellationToken));
        return command;
    }

    public static Command CreateExplain()
    {
        var hash = new Argument<string>("HASH") { Description = "The torrent." };
        var command = new Command("explain", "Show everything that has to do with what the source would do with one torrent, and the options that govern it.") { hash };
        var flags = new PlanFlags(command);
        command.SetAction(async (result, cancellationToken) => InfoHash.TryParse(result.GetValue(hash)!, out var id)
            ? await RunAsync(
                flags,
                result,
                $"api/v1/torrents/{id}/explain",
                async (node, token) => await node.ExplainOfflineAsync(id, token) switch
                {
                    { IsKnown: false, Problem: var problem } => NotKnown(problem),
                    { Torrent: null } => (HttpStatusCode.NotFound, Encoding.UTF8.GetBytes("unknown hash")),
                    var told => (HttpStatusCode.OK, ExplainDocument.Of(told).ToJson()),
                },
                PlanText.OfExplanation,
                cancellationToken)
            : await ControlCommands.NoHashAsync());
        return command;
    }

    private static async Task<int> RunAsync(
        PlanFlags flags,
        ParseResult result,
        string path,
        Func<SourceNode, CancellationToken, Task<(HttpStatusCode Code, byte[] Body)>> make,
        Func<byte[], string> describe,
        CancellationToken cancellationToken)
    {
        return flags.IsOffline(result)
            ? await MakeAsync()
            : await ControlCommands.AskAsync(flags.Control, result, (client, token) => client.GetSlowAsync(path, token), TellAsync, cancellationToken);

        async Task<int> TellAsync(HttpStatusCode code, byte[] body)
        {
            if (code != HttpStatusCode.OK)
            {
                return await ControlCommands.RefusedAsync(code, body);
            }

            Console.WriteLine(flags.IsJson(result) ? Encoding.UTF8.GetString(body) : describe(body));
            return ExitCodes.Done;
        }

        async Task<int> MakeAsync()
        {
            if (flags.Read(result) is not { } settings)
            {
                return ExitCodes.Usage;
            }

            try
            {
                using var lines = new LogLines(Console.Error, LogFormat.Console, flags.LogLevel(result), new Redactor(settings.Secrets), TimeProvider.System);
                using var loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(lines));
                await using var node = new SourceNode(settings, loggers, TimeProvider.System, new Random());
                var (code, body) = await make(node, cancellationToken);
                return await TellAsync(code, body);
            }
            catch (Exception error) when (error is QbSyncException or IOException or UnauthorizedAccessException)
            {
                await Console.Error.WriteLineAsync(error.Message);
                return ExitCodes.CouldNotStart;
            }
        }
    }

    private static (HttpStatusCode Code, byte[] Body) NotKnown(string problem) => (HttpStatusCode.ServiceUnavailable, Encoding.UTF8.GetBytes(problem));
}
