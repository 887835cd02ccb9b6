using QbSync.Ports;

namespace QbSync.Engine.Tests.Source.World;

internal sealed partial class ScriptedClient
{
    private readonly HashSet<ClientTorrentId> _unlisted = [];
    private bool _isRestarted;

    /// <summary>It comes up anew and lists everything but these, naming none as removed: a profile that is read late, or that is another one.</summary>
    public void RestartWithout(params IEnumerable<ScriptedTorrent> torrents)
    {
        lock (_gate)
        {
            _unlisted.Clear();
            _unlisted.UnionWith(torrents.Select(static torrent => torrent.Id));
            _removed.Clear();
            _isRestarted = true;
        }
    }
}
