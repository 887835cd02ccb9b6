using System.CommandLine;
using QbSync.Host.Commands.Pairing;
using QbSync.Host.Configuration;
using QbSync.Host.Lifetime;
using QbSync.Transport;
using QbSync.Transport.Security;

namespace QbSync.Host.Commands;

/// <summary>
/// <c>qbsync pair</c>: makes two nodes trust each other by a code that a person carries from one to the other, and shows or changes who is trusted.
/// </summary>
internal static class PairCommand
{
    public static Command Create()
    {
        var address = new Argument<string?>("HOST:PORT") { Description = "Where the other side waits, as it printed it.", Arity = ArgumentArity.ZeroOrOne };
        var code = new Argument<string?>("CODE") { Description = "The code that it printed.", Arity = ArgumentArity.ZeroOrOne };
        var name = new Option<string?>("--name") { Description = "What this node is called at the other side (default: the machine's name); with --add, what the peer is called here." };
        var list = new Option<bool>("--list") { Description = "Show the trusted peers with their ids and grants." };
        var remove = new Option<string?>("--remove") { Description = "Trust a peer, by its id or name, no longer.", HelpName = "ID|NAME" };
        var add = new Option<string?>("--add") { Description = "Trust a node by its id, without a code.", HelpName = "ID" };
        var grant = new Option<string[]>("--grant")
        {
            Description = $"Change what a peer may do here: {GrantText.Usage}.",
            HelpName = "ID|NAME KEY=VALUE..",
            AllowMultipleArgumentsPerToken = true,
            Arity = ArgumentArity.OneOrMore,
        };
        var command = new Command(
            "pair",
            "Make two nodes trust each other: without arguments at the destination, which prints a code, then with address and code at the source.")
        {
            address, code, name, list, remove, add, grant,
        };
        var flags = new TrustFlags(command);
        command.SetAction((result, _) => TrustFlags.RunAsync(() =>
        {
            var asked = (string?[])[result.GetValue(address), result.GetValue(list) ? "list" : null, result.GetValue(remove), result.GetValue(add), result.GetValue(grant) is [var first, ..] ? first : null];
            if (asked.Count(static one => one is not null) > 1)
            {
                return Refuse("Give one of: HOST:PORT CODE, --list, --remove, --add, --grant.");
            }

            if (result.GetValue(address) is not null && result.GetValue(code) is null)
            {
                return Refuse("Give the address and the code that the other side printed: qbsync pair HOST:PORT CODE.");
            }

            // The source dials, so a code is waited for at the destination and used at the source.
            Roles? role = asked[0] is not null ? Roles.Source : asked.All(static one => one is null) ? Roles.Destination : null;
            if (flags.Read(result, role) is not { } settings)
            {
                return Task.FromResult(ExitCodes.Usage);
            }

            return RunAsync(settings, async peers =>
            {
                if (settings.Security.Mode != SecurityMode.Paired)
                {
                    await Console.Error.WriteLineAsync("Note: security is set to something else than paired, where pairings do not count.");
                }

                var edits = new PeerEdits(peers, Console.Out, Console.Error, TimeProvider.System);
                using var signals = new Signals();
                return asked switch
                {
                    [{ } to, ..] => await DialAsync(settings, peers, to, result.GetValue(code)!, result.GetValue(name), flags.IsJson(result), signals),
                    [_, { }, ..] => edits.List(flags.IsJson(result)),
                    [_, _, { } gone, ..] => await edits.RemoveAsync(gone, signals.Graceful),
                    [_, _, _, { } id, _] => await edits.AddAsync(id, result.GetValue(name), settings.Destination?.ToString(), signals.Graceful),
                    [.., { } peer] => await edits.GrantAsync(peer, result.GetValue(grant)![1..], signals.Graceful),
                    _ => await WaitAsync(settings, peers, result.GetValue(name), flags.IsJson(result), signals),
                };
            });
        }));
        return command;
    }

    private static async Task<int> RunAsync(TrustSettings settings, Func<PeerStore, Task<int>> command)
    {
        using var peers = PeerStore.Open(settings.Security.PeersFile, TimeProvider.System);
        return await command(peers);
    }

    private static async Task<int> WaitAsync(TrustSettings settings, PeerStore peers, string? name, bool asJson, Signals signals) =>
        await new PairingWait(settings, peers, name ?? Environment.MachineName, Console.Out, Console.Error, asJson, TimeProvider.System).RunAsync(signals.Graceful);

    private static async Task<int> DialAsync(TrustSettings settings, PeerStore peers, string address, string code, string? name, bool asJson, Signals signals) =>
        await new PairingDial(settings, peers, name ?? Environment.MachineName, Console.Out, Console.Error, asJson, TimeProvider.System).RunAsync(address, code, signals.Graceful);

    private static Task<int> Refuse(string problem)
    {
        Console.Error.WriteLine(problem);
        return Task.FromResult(ExitCodes.Usage);
    }
}
