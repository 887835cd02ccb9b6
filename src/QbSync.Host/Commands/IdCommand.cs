using System.CommandLine;
using QbSync.Host.Commands.Pairing;
using QbSync.Host.Lifetime;
using QbSync.Transport.Security;

namespace QbSync.Host.Commands;

/// <summary><c>qbsync id</c>: who this node is, made when it was nobody yet.</summary>
internal static class IdCommand
{
    public static Command Create()
    {
        var command = new Command("id", "Print this node's id, by which others trust it.");
        var flags = new TrustFlags(command);
        command.SetAction((result, _) => TrustFlags.RunAsync(() => Task.FromResult(Run(flags, result))));
        return command;
    }

    private static int Run(TrustFlags flags, ParseResult result)
    {
        if (flags.Read(result, null) is not { } settings)
        {
            return ExitCodes.Usage;
        }

        using var identity = NodeIdentity.LoadOrCreate(settings.Security.IdentityFile, TimeProvider.System);
        Console.WriteLine(flags.IsJson(result) ? PeerDocuments.OfNode(identity.Id) : identity.Id.ToString());
        return ExitCodes.Done;
    }
}
