using System.Runtime.InteropServices;
using Prometheus;
using QbSync.Engine.Source;
using QbSync.MetricFamilies;
using QbSync.Torrents;

namespace QbSync.Engine;

/// <summary>
/// The series of torrents that are being synced: born when their manifest is known, gone when they leave, after a sync only 60 s later, so that a torrent
/// faster than a scrape is seen at its end. Bounded; who is tracked longest keeps its place. Thread-safe, since scrapes overlap: they take turns where series come
/// and go, in the order of the reports that they read, so that an older one brings none back.
/// </summary>
internal sealed class LiveSeries(IMetricFactory factory, ScrapedOwner owner, Live<SeriesLimits> limits)
{
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(60);

    // A series is there from its first value on, not at 0 before.
    private static readonly GaugeConfiguration Silent = new() { SuppressInitialValue = true };
    private readonly Lock _gate = new();
    private readonly Gauge _pieces = owner.Add(factory.CreateGauge("qbsync_torrent_pieces", "Total pieces per tracked torrent", ["hash", "name"], Silent));
    private readonly Gauge _streamed = owner.Add(factory.CreateGauge(
        "qbsync_torrent_pieces_streamed", "Pieces synced to destination per tracked torrent", ["hash", "name"], Silent));

    private readonly Gauge _bytes =
        owner.Add(factory.CreateGauge("qbsync_torrent_size_bytes", "Total size in bytes per tracked torrent", ["hash", "name"], Silent));

    private readonly Gauge _ratio = owner.Add(factory.CreateGauge(
        "qbsync_torrent_progress_ratio", "Share of a tracked torrent's pieces that the destination holds", ["hash", "name"], Silent));

    private readonly Gauge _pending = owner.Add(factory.CreateGauge(
        "qbsync_oldest_pending_sync_seconds", "Age of each torrent waiting to sync", ["hash", "name"], Silent));

    private readonly Dictionary<InfoHash, Place> _places = [];

    // Only of the scrape whose turn it is; kept, so that a scrape of very many torrents makes no garbage.
    private readonly List<Place> _waiting = [];
    private Place[] _shown = [];
    private int _turn;

    /// <summary>Makes the series say what the report says; the number of torrents that found no place for the first time.</summary>
    /// <param name="read">Returns the latest report, and waits for nobody.</param>
    public int Show(Func<SourceReport> read)
    {
        var (shown, now, dropped) = Arrange(read);
        foreach (var place in shown)
        {
            place.Show(now);
        }

        return dropped;
    }

    /// <summary>On its way, or synced a short while ago.</summary>
    private static bool HasSeries(SourceReport.Torrent torrent, DateTimeOffset now) =>
        torrent.IsLive || (torrent.SyncedAt is { } at && now - at < Linger);

    /// <summary>Adds and removes series, and says which there are.</summary>
    private (Place[] Shown, DateTimeOffset Now, int Dropped) Arrange(Func<SourceReport> read)
    {
        lock (_gate)
        {
            var report = read();
            _turn++;
            foreach (var torrent in report.Torrents)
            {
                if (!HasSeries(torrent, report.At))
                {
                    continue;
                }

                if (!_places.TryGetValue(torrent.Id, out var place))
                {
                    _places.Add(torrent.Id, place = new Place(torrent));
                }

                (place.Latest, place.Turn) = (torrent, _turn);
            }

            var hasChanged = RemoveGone_NeedsLock();
            hasChanged |= TakeIn_NeedsLock(hasChanged ? _places.Values.Count(static place => place.HasSeries) : _shown.Length);
            if (hasChanged)
            {
                _shown = [.. _places.Values.Where(static place => place.HasSeries)];
            }

            return (_shown, report.At, CountDropped_NeedsLock());
        }
    }

    private bool RemoveGone_NeedsLock()
    {
        var hasChanged = false;
        _waiting.Clear();
        foreach (var (id, place) in _places)
        {
            if (place.Turn != _turn)
            {
                _places.Remove(id);
                hasChanged |= place.HasSeries;
                place.Remove([_pieces, _streamed, _bytes, _ratio, _pending]);
            }
            else if (!place.HasSeries)
            {
                _waiting.Add(place);
            }
        }

        return hasChanged;
    }

    /// <summary>Gives free places to those that are tracked longest.</summary>
    private bool TakeIn_NeedsLock(int taken)
    {
        var free = Math.Min(limits.Current.Live - taken, _waiting.Count);
        if (free <= 0)
        {
            return false;
        }

        if (free < _waiting.Count)
        {
            _waiting.Sort(static (a, b) => Compare(a.Latest, b.Latest));
        }

        foreach (var place in CollectionsMarshal.AsSpan(_waiting)[..free])
        {
            // The name stays as it is at birth: a rename must not split the series.
            place.Add(limits.Current.NameLabel(place.Latest.Id, place.Latest.Name), [_pieces, _streamed, _bytes, _ratio, _pending]);
        }

        return true;
    }

    /// <summary>Those that are tracked longest first; of such as are tracked since the same moment, by their hashes.</summary>
    private static int Compare(SourceReport.Torrent a, SourceReport.Torrent b)
    {
        var order = a.TrackedSince.CompareTo(b.TrackedSince);
        if (order != 0)
        {
            return order;
        }

        Span<byte> first = stackalloc byte[a.Id.Length];
        Span<byte> second = stackalloc byte[b.Id.Length];
        a.Id.CopyTo(first);
        b.Id.CopyTo(second);
        return first.SequenceCompareTo(second);
    }

    /// <summary>Each that got no place counts once for as long as it is under way.</summary>
    private int CountDropped_NeedsLock()
    {
        var dropped = 0;
        foreach (var place in _waiting)
        {
            if (!place.HasSeries && !place.WasDropped)
            {
                place.WasDropped = true;
                dropped++;
            }
        }

        _waiting.Clear();
        return dropped;
    }

    /// <summary>A torrent that has series, or waits for a place. Guarded but for its latest report, which scrapes that overlap may show each.</summary>
    private sealed class Place(SourceReport.Torrent torrent)
    {
        private volatile SourceReport.Torrent _latest = torrent;
        private Gauge.Child[] _series = [];
        private string[] _labels = [];

        public SourceReport.Torrent Latest
        {
            get => _latest;
            set => _latest = value;
        }

        /// <summary>The last scrape whose report had it.</summary>
        public int Turn { get; set; }

        public bool WasDropped { get; set; }

        public bool HasSeries => _series.Length > 0;

        public void Add(string name, ReadOnlySpan<Gauge> families)
        {
            _labels = [_latest.Id.ToString(), name];
            var series = new Gauge.Child[families.Length];
            for (var i = 0; i < series.Length; i++)
            {
                series[i] = families[i].WithLabels(_labels);
            }

            _series = series;
        }

        public void Remove(ReadOnlySpan<Gauge> families)
        {
            foreach (var family in HasSeries ? families : [])
            {
                family.RemoveLabelled(_labels);
            }
        }

        public void Show(DateTimeOffset now)
        {
            var torrent = _latest;
            _series[0].Set(torrent.Pieces);
            _series[1].Set(torrent.PiecesDone);
            _series[2].Set(torrent.Bytes);
            _series[3].Set(torrent.Pieces == 0 ? 1 : (double)torrent.PiecesDone / torrent.Pieces);
            if (torrent.IsLive && torrent.PendingSince is { } since)
            {
                _series[4].Set(Math.Max(0, (now - since).TotalSeconds));
            }
            else
            {
                _series[4].Unpublish();
            }
        }
    }
}
