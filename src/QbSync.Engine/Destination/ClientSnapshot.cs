using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination;

/// <summary>A torrent as the client showed it, with the moment that was asked for.</summary>
/// <param name="Status">What it showed.</param>
/// <param name="SeenAt">For people.</param>
/// <param name="Stamp">Monotonic, for ages.</param>
internal sealed record ClientSighting(TorrentStatus Status, DateTimeOffset SeenAt, long Stamp);

/// <summary>The client's torrents as the last polls showed them. Immutable, swapped whole.</summary>
internal sealed class ClientSnapshot
{
    private readonly Dictionary<InfoHash, ClientSighting> _byHash = [];

    /// <summary>Follows <paramref name="before"/> by an update; what was not asked for keeps its older sighting.</summary>
    public ClientSnapshot(ClientSnapshot? before, ClientUpdate update, IReadOnlyCollection<ClientTorrentId> watched, long stamp)
    {
        IsWhole = update.Kind != ClientUpdateKind.Watched;
        Categories = update.Categories;
        WholeStamp = IsWhole ? stamp : before?.WholeStamp;
        foreach (var status in update.Torrents)
        {
            var old = IsWhole || watched.Contains(status.Id) ? null : before?.Find(status.V1, status.V2);
            Put(status, old is null ? new ClientSighting(status, update.AskedAt, stamp) : old with { Status = status });
            CheckingCount += status.State.IsChecking() ? 1 : 0;
        }
    }

    /// <summary>Whether the last answer was about every torrent of the client.</summary>
    public bool IsWhole { get; }

    /// <summary>The client's categories, as far as it told them.</summary>
    public IReadOnlySet<string> Categories { get; }

    /// <summary>When the last answer about every torrent was asked for; null before the first.</summary>
    public long? WholeStamp { get; }

    /// <summary>Torrents that the client checks: it checks one at a time, the others queue behind it.</summary>
    public int CheckingCount { get; }

    /// <summary>The torrent, by whichever hash the client gives it.</summary>
    public ClientSighting? Find(InfoHash v1, InfoHash v2) =>
        Get(v1) ?? Get(v2) ?? Get(v2.Truncated);

    private ClientSighting? Get(InfoHash hash) => hash.Length > 0 ? _byHash.GetValueOrDefault(hash) : null;

    private void Put(TorrentStatus status, ClientSighting sighting)
    {
        foreach (var hash in (ReadOnlySpan<InfoHash>)[status.V1, status.V2, status.V2.Truncated])
        {
            if (hash.Length > 0)
            {
                _byHash[hash] = sighting;
            }
        }
    }
}
