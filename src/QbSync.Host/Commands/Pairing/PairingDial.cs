using QbSync.Host.Configuration;
using QbSync.Host.Lifetime;
using QbSync.Transport.Security;

namespace QbSync.Host.Commands.Pairing;

/// <summary>The side that has the code: dials the other, proves that it knows it, and tells how that went.</summary>
internal sealed class PairingDial(TrustSettings settings, PeerStore peers, string name, TextWriter output, TextWriter errors, bool asJson, TimeProvider time)
{
    public async Task<int> RunAsync(string address, string code, CancellationToken cancellationToken)
    {
        if (!Units.TryParseAddress(address, out var parsed) || parsed.Host.Length == 0 || parsed.Port == 0)
        {
            await errors.WriteLineAsync($"\"{address}\" is not understood. Give host:port or [v6]:port.");
            return ExitCodes.Usage;
        }

        using var identity = NodeIdentity.LoadOrCreate(settings.Security.IdentityFile, time);
        var before = peers.Peers.Where(peer => peer.Address == parsed.ToString()).ToArray();
        PairingOutcome outcome;
        try
        {
            outcome = await PairingClient.PairAsync(parsed.ToString(), code, identity, peers, name, time, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await errors.WriteLineAsync("Stopped; nothing was trusted.");
            return ExitCodes.ForcedByInterrupt;
        }

        if (outcome is PairingOutcome.Paired { Peer: var paired })
        {
            Tell(identity.Id, paired, before);
            return ExitCodes.Done;
        }

        var (problem, exit) = outcome switch
        {
            PairingOutcome.Refused => (
                "The other side ended it, and tells nobody why: the code is wrong, used or older than ten minutes, or none is open there. "
                + "Nothing was trusted. Ask it for a new code: qbsync pair.",
                ExitCodes.BadAnswer),
            PairingOutcome.NotProven not => (
                $"Whoever answers at {parsed} does not know the code: it is {not.Found}. Nothing was trusted. Somebody else may be listening there, or be between.",
                ExitCodes.BadAnswer),
            PairingOutcome.NoCode => ("That is no code: it has 16 letters and digits, in groups of 4.", ExitCodes.Usage),
            PairingOutcome.ThisNode => ($"At {parsed} answers this very node. Is the identity file a copy of the other side's?", ExitCodes.BadAnswer),
            PairingOutcome.Unreachable gone => ($"{parsed} is not reachable: {gone.Detail.TrimEnd('.')}.", ExitCodes.NoPeer),
            _ => throw new InvalidOperationException($"Unknown outcome {outcome.GetType().Name}."),
        };
        await errors.WriteLineAsync(problem);
        return exit;
    }

    private void Tell(NodeId own, Peer paired, Peer[] before)
    {
        if (asJson)
        {
            output.WriteLine(PeerDocuments.OfPairing(own, paired));
            return;
        }

        output.WriteLine($"Paired with {paired.Name}. Both sides show the same two ids:");
        output.WriteLine($"  this node   {own}");
        output.WriteLine($"  the other   {paired.Id}");
        output.WriteLine($"The source finds it by: --destination-addr {paired.Address}");
        foreach (var old in before.Where(old => old.Id != paired.Id))
        {
            output.WriteLine($"{old.Id} ({old.Name}) was paired at that address before, and is trusted still. To end that: qbsync pair --remove {old.Id}");
        }
    }
}
