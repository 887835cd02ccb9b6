using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Tracking;

/// <summary>
/// When a torrent that the client no longer lists is believed to be removed: named by the client at once; else absent from a full list and still so 10 s later. A
/// list that lost half of all at once is a client that came up without its profile, and gives no order for half an hour. Pure; owned by the loop.
/// </summary>
internal sealed class RemovalJudge
{
    private const int Many = 20;
    private static readonly TimeSpan Apart = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Doubt = TimeSpan.FromMinutes(30);
    private readonly Dictionary<InfoHash, TimeSpan> _absentSince = [];

    /// <summary>The client could not be asked: absence has to be seen anew.</summary>
    public void ClientLost() => _absentSince.Clear();

    /// <summary>Which of <paramref name="known"/> are believed to be removed.</summary>
    public IReadOnlyList<InfoHash> Judge(
        ClientUpdateKind kind, IReadOnlyDictionary<InfoHash, bool> known, IReadOnlySet<InfoHash> listed, int listedInAll, TimeSpan now)
    {
        List<InfoHash> believed = [];
        List<InfoHash> absent = [];
        var named = 0;
        foreach (var (id, isNamed) in known)
        {
            if (listed.Contains(id))
            {
                _absentSince.Remove(id);
            }
            else
            {
                absent.Add(id);
                named += isNamed ? 1 : 0;
            }
        }

        var massive = named > Many && named * 2 > known.Count;
        var emptied = listedInAll == 0 || absent.Count * 2 >= known.Count;
        foreach (var id in absent)
        {
            if (known[id] && !massive)
            {
                believed.Add(id);
                continue;
            }

            if (kind != ClientUpdateKind.Full && !_absentSince.ContainsKey(id) && !known[id])
            {
                continue;
            }

            var since = _absentSince.TryAdd(id, now) ? now : _absentSince[id];
            if (now - since >= (massive || emptied ? Doubt : Apart) && kind != ClientUpdateKind.Watched)
            {
                believed.Add(id);
            }
        }

        foreach (var id in believed)
        {
            _absentSince.Remove(id);
        }

        return believed;
    }
}
