using QbSync.Ports;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>Stop, start and delete, with places before and after each effect at which a test may fail it, or end the process.</summary>
internal sealed partial class ScriptedClient
{
    /// <summary>Called before a call has an effect; what it throws is the call's answer.</summary>
    public Func<string, ValueTask> Before { get; set; } = static _ => default;

    /// <summary>Called after a call had its effect; what it throws is the call's answer.</summary>
    public Func<string, ValueTask> After { get; set; } = static _ => default;

    /// <summary>What was deleted, and whether with its files.</summary>
    public List<(ClientTorrentId Id, bool WithFiles)> Deleted { get; } = [];

    public bool Has(ScriptedTorrent torrent)
    {
        lock (_gate)
        {
            return _torrents.ContainsKey(torrent.Id);
        }
    }

    public async ValueTask StopAsync(IReadOnlyCollection<ClientTorrentId> ids, bool whileChecking, CancellationToken cancellationToken) =>
        await SetStoppedAsync("here.stop", ids, stopped: true);

    public async ValueTask StartAsync(IReadOnlyCollection<ClientTorrentId> ids, bool force, CancellationToken cancellationToken) =>
        await SetStoppedAsync("here.start", ids, stopped: false);

    public async ValueTask DeleteAsync(IReadOnlyCollection<ClientTorrentId> ids, bool withFiles, CancellationToken cancellationToken)
    {
        ThrowIfDown();
        await Before("here.delete");
        lock (_gate)
        {
            foreach (var id in ids)
            {
                if (Get(id).IsDeaf)
                {
                    continue;
                }

                _torrents.Remove(id);
                _removed.Add(id);
                Deleted.Add((id, withFiles));
            }
        }

        await After("here.delete");
    }

    private async ValueTask SetStoppedAsync(string call, IReadOnlyCollection<ClientTorrentId> ids, bool stopped)
    {
        ThrowIfDown();
        await Before(call);
        lock (_gate)
        {
            foreach (var torrent in ids.Select(Get).Where(static torrent => !torrent.IsDeaf))
            {
                torrent.IsStopped = stopped;
            }
        }

        await After(call);
    }
}
