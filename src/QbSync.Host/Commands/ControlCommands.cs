using System.CommandLine;
using System.Net;
using System.Text;
using QbSync.Host.Commands.Control;
using QbSync.Host.Lifetime;
using QbSync.Torrents;

namespace QbSync.Host.Commands;

/// <summary>Commands that ask a running role of this machine to do something: over its control socket alone.</summary>
internal static class ControlCommands
{
    public static Command CreateDrain()
    {
        var command = new Command("drain", "Let the running source hand over everything that is synced, then stop.");
        var flags = new ControlFlags(command, withUrl: false);
        command.SetAction((result, cancellationToken) => PostAsync(
            flags, result, "api/v1/drain", static _ => "It hands over what is synced, then stops. See: qbsync status.", cancellationToken));
        return command;
    }

    public static Command CreateRetry()
    {
        var hash = new Argument<string?>("HASH") { Description = "The torrent.", Arity = ArgumentArity.ZeroOrOne };
        var all = new Option<bool>("--all") { Description = "Every torrent that failed or waits after a failure." };
        var command = new Command("retry", "Let the running source try again what failed: failure, tag and pause are cleared.") { hash, all };
        var flags = new ControlFlags(command, withUrl: false);
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
                    await Console.Error.WriteLineAsync("A hash has 40 or 64 hexadecimal digits.");
                    return ExitCodes.Usage;
                }

                path = $"api/v1/torrents/{id}/retry";
            }

            return await PostAsync(flags, result, path, static body => body, cancellationToken);
        });
        return command;
    }

    private static async Task<int> PostAsync(
        ControlFlags flags, ParseResult result, string path, Func<string, string> describe, CancellationToken cancellationToken)
    {
        using var client = flags.Find(result, out var problem);
        if (client is null)
        {
            return await StatusCommand.NoClientAsync(problem);
        }

        try
        {
            var (code, body) = await client.PostAsync(path, cancellationToken);
            if (code is HttpStatusCode.OK or HttpStatusCode.Accepted)
            {
                Console.WriteLine(describe(Encoding.UTF8.GetString(body)));
                return ExitCodes.Done;
            }

            await Console.Error.WriteLineAsync(StatusClient.Refusal(code, body));
            return ExitCodes.BadAnswer;
        }
        catch (CommandFailure error)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return ExitCodes.NoPeer;
        }
    }
}
