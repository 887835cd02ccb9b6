using QbSync.Torrents;

namespace QbSync.Engine.Source.Cleanup;

/// <summary>Upload rates of all torrents of the client. Owned by the loop.</summary>
internal sealed class UploadRates
{
    /// <summary>A torrent that is not listed for so long is gone; a client that came up empty is back by then.</summary>
    private static readonly TimeSpan Forgotten = TimeSpan.FromDays(7);
    private readonly Dictionary<string, UploadRate> _rates;

    public UploadRates(IReadOnlyList<UploadRate> known)
    {
        _rates = new(known.Count, StringComparer.Ordinal);
        foreach (var rate in known)
        {
            if (rate is { Id.Length: > 0 })
            {
                _rates[rate.Id] = rate;
            }
        }
    }

    /// <summary>Takes a look at all torrents in.</summary>
    public void Sample(IReadOnlyList<TorrentStatus> torrents, DateTimeOffset now)
    {
        foreach (var torrent in torrents)
        {
            var id = torrent.Id.Value;
            var seeding = torrent.SeedingTime ?? TimeSpan.Zero;
            _rates[id] = _rates.TryGetValue(id, out var known)
                ? known.Next(torrent.UploadedBytes, seeding, now)
                : UploadRate.Begin(id, torrent.UploadedBytes, seeding, now);
        }

        if (_rates.Count > torrents.Count)
        {
            foreach (var rate in _rates.Values.Where(rate => now - rate.At > Forgotten).ToList())
            {
                _rates.Remove(rate.Id);
            }
        }
    }

    /// <summary>Bytes a second that a torrent uploads.</summary>
    public double Of(TorrentStatus torrent)
    {
        var seeding = torrent.SeedingTime ?? TimeSpan.Zero;
        var rate = _rates.GetValueOrDefault(torrent.Id.Value) ?? UploadRate.Begin(torrent.Id.Value, torrent.UploadedBytes, seeding, default);
        return rate.Effective(torrent.UploadedBytes, seeding);
    }

    /// <summary>What is to survive.</summary>
    public UploadRateRecord ToRecord() => new() { Rates = [.. _rates.Values.OrderBy(static rate => rate.Id, StringComparer.Ordinal)] };
}
