using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Tracking;

/// <summary>
/// When a torrent that the client no longer lists is believed to be removed: named by the client at once; else absent from a list and still so 10 s later, while
/// nothing that was absent came back. A list that lost half of all at once is a client that came up without its profile, and gives no order for half an hour;
/// neither do names of more than half of all within a minute. Pure; owned by the loop.
/// </summary>
internal sealed class RemovalJudge
{
    private const int Many = 20;
    private static readonly TimeSpan Apart = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Doubt = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan Burst = TimeSpan.FromSeconds(60);
    private readonly Dictionary<InfoHash, Absence> _absent = [];
    private readonly Queue<TimeSpan> _named = [];

    /// <summary>How many absent torrents are doubted, in the last judgement for the first time.</summary>
    public int NewlyDoubted { get; private set; }

    /// <summary>The client could not be asked: absence has to be confirmed anew. What was doubted stays doubted for as long as it was to be.</summary>
    public void ClientLost()
    {
        foreach (var absence in _absent.Values)
        {
            absence.LookedAt = null;
        }
    }

    /// <summary>Which of <paramref name="known"/> are believed to be removed.</summary>
    /// <param name="known">Torrents that may be removed, and whether the client names each as removed.</param>
    /// <param name="listed">What the client lists of those.</param>
    /// <param name="listedInAll">How many it lists, known or not.</param>
    public IReadOnlyList<InfoHash> Judge(
        ClientUpdateKind kind, IReadOnlyDictionary<InfoHash, bool> known, IReadOnlySet<InfoHash> listed, int listedInAll, TimeSpan now)
    {
        NewlyDoubted = 0;
        if (kind == ClientUpdateKind.Watched)
        {
            return [];
        }

        Forget(known, listed);
        List<InfoHash> named = [];
        List<InfoHash> absent = [];
        foreach (var (id, isNamed) in known)
        {
            if (!listed.Contains(id))
            {
                (isNamed && kind == ClientUpdateKind.Delta ? named : absent).Add(id);
            }
        }

        while (_named.TryPeek(out var first) && now - first > Burst)
        {
            _named.Dequeue();
        }

        var burst = _named.Count + named.Count;
        var isMassive = burst > Many && burst * 2 > known.Count + _named.Count;
        foreach (var id in named)
        {
            _named.Enqueue(now);
            if (isMassive)
            {
                Note(id, now, isDoubted: true);
            }
            else
            {
                _absent.Remove(id);
            }
        }

        var isEmptied = listedInAll == 0 || absent.Count * 2 >= known.Count;
        List<InfoHash> believed = isMassive ? [] : named;
        foreach (var id in absent)
        {
            if (Note(id, now, isEmptied).IsBelieved(now))
            {
                _absent.Remove(id);
                believed.Add(id);
            }
        }

        return believed;
    }

    /// <summary>What is back, or is no longer of interest, is absent no more. While torrents come back the client is still reading its own.</summary>
    private void Forget(IReadOnlyDictionary<InfoHash, bool> known, IReadOnlySet<InfoHash> listed)
    {
        var isFilling = false;
        foreach (var id in _absent.Keys.Where(id => !known.ContainsKey(id) || listed.Contains(id)).ToArray())
        {
            isFilling |= known.ContainsKey(id);
            _absent.Remove(id);
        }

        if (isFilling)
        {
            ClientLost();
        }
    }

    private Absence Note(InfoHash id, TimeSpan now, bool isDoubted)
    {
        if (!_absent.TryGetValue(id, out var absence))
        {
            _absent[id] = absence = new Absence(now);
        }

        absence.LookedAt ??= now;
        NewlyDoubted += isDoubted && !absence.IsDoubted ? 1 : 0;
        absence.IsDoubted |= isDoubted;
        return absence;
    }

    private sealed class Absence(TimeSpan since)
    {
        /// <summary>The first of the looks that count; null until there is one.</summary>
        public TimeSpan? LookedAt { get; set; }

        public bool IsDoubted { get; set; }

        public bool IsBelieved(TimeSpan now) => now - LookedAt >= Apart && (!IsDoubted || now - since >= Doubt);
    }
}
