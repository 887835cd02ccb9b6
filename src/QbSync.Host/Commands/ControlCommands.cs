using System.CommandLine;
using System.Net;
using System.Text;
using System.Text.Json;
using QbSync.Host.Commands.Control;
using QbSync.Host.Configuration;
using QbSync.Host.Lifetime;
using QbSync.Torrents;

namespace QbSync.Host.Commands;

/// <summary>Commands that ask a running role of this machine to do something: over its control socket alone.</summary>
internal static class ControlCommands
{
    public static Command CreateDrain()
    {
        var command = new Command("drain", "Let the running source hand over everything that is synced, then stop.");
        var flags = new ControlFlags(command, withUrl: false, Roles.Source);
        command.SetAction((result, cancellationToken) => PostAsync(
            flags, result, "api/v1/drain", static _ => "It hands over what is synced, then stops. See: qbsync status.", cancellationToken));
        return command;
    }

    public static Command CreateRetry()
    {
        var hash = new Argument<string?>("HASH") { Description = "The torrent.", Arity = ArgumentArity.ZeroOrOne };
        var all = new Option<bool>("--all") { Description = "Every torrent that failed or waits after a failure." };
        var command = new Command("retry", "Let the running source try again what failed: failure, tag and pause are cleared.") { hash, all };
        var flags = new ControlFlags(command, withUrl: false, Roles.Source);
        command.SetAction(async (result, cancellationToken) =>
        {
            if (result.GetValue(hash) is null == !result.GetValue(all))
            {
                await Console.Error.WriteLineAsync("Give a hash, or --all.");
                return ExitCodes.Usage;
            }

            var path = "api/v1/retry";
            if (result.GetValue(hash) is { } text)
            {
                if (!InfoHash.TryParse(text, out var id))
                {
                    return await NoHashAsync();
                }

                path = $"api/v1/torrents/{id}/retry";
            }

            return await PostAsync(flags, result, path, static body => body, cancellationToken);
        });
        return command;
    }

    public static Command CreateHandoff()
    {
        var hash = new Argument<string>("HASH") { Description = "The torrent." };
        var command = new Command(
            "handoff", "Let the running source hand one torrent over now, whether space is short or not: start it there, and delete it here with a proof.") { hash };
        var flags = new ControlFlags(command, withUrl: false, Roles.Source);
        command.SetAction(async (result, cancellationToken) => InfoHash.TryParse(result.GetValue(hash)!, out var id)
            ? await PostAsync(
                flags, result, $"api/v1/torrents/{id}/handoff", static _ => "Its handoff has begun. See: qbsync status.", cancellationToken)
            : await NoHashAsync());
        return command;
    }

    public static Command CreateReload()
    {
        var command = new Command("reload", "Let a running role read its configuration anew. What is wrong leaves everything as it was.");
        var json = new Option<bool>("--json") { Description = "Answer with one JSON document." };
        command.Options.Add(json);
        var flags = new ControlFlags(command, withUrl: false);
        command.SetAction((result, cancellationToken) => AskAsync(
            flags,
            result,
            static (client, token) => client.PostAsync("api/v1/reload", token),
            async (code, body) =>
            {
                if (code is not (HttpStatusCode.OK or HttpStatusCode.UnprocessableEntity))
                {
                    return await RefusedAsync(code, body);
                }

                Console.WriteLine(result.GetValue(json) ? Encoding.UTF8.GetString(body) : DescribeReload(body));
                return code == HttpStatusCode.OK ? ExitCodes.Done : ExitCodes.BadAnswer;
            },
            cancellationToken));
        return command;
    }

    /// <summary>Says that what was given is no hash.</summary>
    public static async Task<int> NoHashAsync()
    {
        await Console.Error.WriteLineAsync("A hash has 40 or 64 hexadecimal digits.");
        return ExitCodes.Usage;
    }

    /// <summary>Says that the role says no.</summary>
    public static async Task<int> RefusedAsync(HttpStatusCode code, byte[] body)
    {
        await Console.Error.WriteLineAsync(StatusClient.Refusal(code, body));
        return code == HttpStatusCode.ServiceUnavailable ? ExitCodes.NoPeer : ExitCodes.BadAnswer;
    }

    /// <summary>Asks a running role, and has its answer told.</summary>
    public static async Task<int> AskAsync(
        ControlFlags flags,
        ParseResult result,
        Func<StatusClient, CancellationToken, Task<(HttpStatusCode Code, byte[] Body)>> ask,
        Func<HttpStatusCode, byte[], Task<int>> tell,
        CancellationToken cancellationToken)
    {
        using var client = flags.Find(result, out var problem);
        if (client is null)
        {
            return await StatusCommand.NoClientAsync(problem);
        }

        try
        {
            var (code, body) = await ask(client, cancellationToken);
            return await tell(code, body);
        }
        catch (CommandFailure error)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return ExitCodes.NoPeer;
        }
    }

    private static string DescribeReload(byte[] body)
    {
        var outcome = JsonSerializer.Deserialize(body, ReloadJson.Default.ReloadOutcome)!;
        if (outcome.Errors.Count > 0)
        {
            return string.Join(Environment.NewLine, outcome.Errors.Append("Everything stays as it was."));
        }

        var text = outcome.Taken.Count == 0 ? "Nothing has another value." : $"Taken: {string.Join(", ", outcome.Taken)}.";
        return outcome.NeedsRestart.Count == 0 ? text : $"{text}{Environment.NewLine}Needs a restart: {string.Join(", ", outcome.NeedsRestart)}.";
    }

    private static Task<int> PostAsync(
        ControlFlags flags, ParseResult result, string path, Func<string, string> describe, CancellationToken cancellationToken) =>
        AskAsync(
            flags,
            result,
            (client, token) => client.PostAsync(path, token),
            async (code, body) =>
            {
                if (code is not (HttpStatusCode.OK or HttpStatusCode.Accepted))
                {
                    return await RefusedAsync(code, body);
                }

                Console.WriteLine(describe(Encoding.UTF8.GetString(body)));
                return ExitCodes.Done;
            },
            cancellationToken);
}
