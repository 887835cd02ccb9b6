using QbSync.Host.Lifetime;
using QbSync.Ports;
using QbSync.Transport.Security;

namespace QbSync.Host.Commands.Pairing;

/// <summary>Changes of the trusted peers by hand. A running role obeys within a second.</summary>
internal sealed class PeerEdits(PeerStore peers, TextWriter output, TextWriter errors, TimeProvider time)
{
    public int List(bool asJson)
    {
        if (peers.Fault is { } fault)
        {
            throw fault;
        }

        if (asJson)
        {
            output.WriteLine(PeerDocuments.OfPeers(peers.Peers));
            return ExitCodes.Done;
        }

        if (peers.Peers.Count == 0)
        {
            output.WriteLine("No peer is trusted yet: qbsync pair.");
        }

        foreach (var peer in peers.Peers)
        {
            output.WriteLine($"{peer.Name}");
            output.WriteLine($"  id      {peer.Id}");
            output.WriteLine($"  since   {peer.AddedAt:u}{(peer.Address is null ? "" : $", paired at {peer.Address}")}");
            output.WriteLine($"  grants  {GrantText.Describe(peer.Grants)}");
        }

        return ExitCodes.Done;
    }

    public async Task<int> AddAsync(string id, string? name, string? address, CancellationToken cancellationToken)
    {
        if (!NodeId.TryParse(id, out var node))
        {
            await errors.WriteLineAsync($"\"{id}\" is no node id: 56 letters and digits in groups of 7, as qbsync id prints it. One of them may be mistyped.");
            return ExitCodes.Usage;
        }

        var known = peers.Find(node);
        await peers.AddAsync(
            new Peer(node, name ?? known?.Name ?? node.ToString()[..7])
            {
                Address = address ?? known?.Address,
                Grants = known?.Grants ?? PeerGrants.Everything,
                AddedAt = time.GetUtcNow(),
            },
            cancellationToken);
        await output.WriteLineAsync($"{node} is trusted. The other side has to trust this node, too.");
        return ExitCodes.Done;
    }

    public async Task<int> RemoveAsync(string which, CancellationToken cancellationToken)
    {
        if (Find(which) is not { } peer)
        {
            return ExitCodes.BadAnswer;
        }

        await peers.RemoveAsync(peer.Id, cancellationToken);
        await output.WriteLineAsync($"{peer.Name} ({peer.Id}) is trusted no longer; its connections end within a second.");
        return ExitCodes.Done;
    }

    public async Task<int> GrantAsync(string which, IReadOnlyList<string> changes, CancellationToken cancellationToken)
    {
        if (Find(which) is not { } peer)
        {
            return ExitCodes.BadAnswer;
        }

        if (GrantText.Change(peer.Grants, changes, out var problem) is not { } grants)
        {
            await errors.WriteLineAsync(problem);
            return ExitCodes.Usage;
        }

        await peers.SetGrantsAsync(peer.Id, grants, cancellationToken);
        await output.WriteLineAsync($"{peer.Name} ({peer.Id}): {GrantText.Describe(grants)}");
        return ExitCodes.Done;
    }

    /// <summary>The one peer with this id or name; null, and said why, when there is none or more than one.</summary>
    private Peer? Find(string which)
    {
        if (peers.Fault is { } fault)
        {
            throw fault;
        }

        Peer[] found = NodeId.TryParse(which, out var id)
            ? [.. peers.Peers.Where(peer => peer.Id == id)]
            : [.. peers.Peers.Where(peer => peer.Name.Equals(which, StringComparison.OrdinalIgnoreCase))];
        if (found is [var only])
        {
            return only;
        }

        errors.WriteLine(found.Length == 0
            ? $"No trusted peer has the id or name \"{which}\": qbsync pair --list."
            : $"\"{which}\" is the name of {found.Length} peers; give the id: {string.Join(", ", found.Select(static peer => peer.Id))}.");
        return null;
    }
}
