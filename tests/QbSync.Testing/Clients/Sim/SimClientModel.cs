using QbSync.Torrents;

namespace QbSync.Testing.Clients.Sim;

/// <summary>How the simulated client is set.</summary>
public sealed class SimClientOptions
{
    /// <summary>Its default save path, a real folder.</summary>
    public required string SavePath { get; init; }

    /// <summary>The version it behaves as.</summary>
    public SimGeneration Generation { get; init; } = SimGeneration.Newest;

    /// <summary>How often states are brought up to date; changes show one such interval late.</summary>
    public TimeSpan Tick { get; init; } = TimeSpan.FromSeconds(1.5);

    /// <summary>How long a check takes beyond the stale answers before it.</summary>
    public TimeSpan CheckTime { get; init; }

    /// <summary>How long after an add the torrent shows in lists.</summary>
    public TimeSpan ListingDelay { get; set; }

    /// <summary>How long after a delete it is gone.</summary>
    public TimeSpan DeleteDelay { get; set; }

    /// <summary>What app/preferences and the feed tell of free space.</summary>
    public long FreeBytes { get; set; } = 100_000_000_000;
}

/// <summary>
/// A qBittorrent without network and peers: torrents over a real folder, and the ways of each version with stopping, checking, seed mode,
/// renames and deletes. It goes on when it is asked, by the time of its clock. Thread-safe.
/// </summary>
public sealed partial class SimClientModel(SimClientOptions options, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, SimTorrent> _torrents = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _categories = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _tags = new(StringComparer.Ordinal);

    public SimClientOptions Options => options;

    public SimGeneration Generation => options.Generation;

    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>Looks at it, or changes it, as it is now. No I/O besides the model's own; the result must not keep a torrent.</summary>
    public T Look<T>(Func<SimLook, T> look)
    {
        lock (_gate)
        {
            SettleNeedsLock();
            return look(new SimLook(this));
        }
    }

    /// <summary>Verified content, as a swarm would bring it; it is not written.</summary>
    public void Arrive(string id, params int[] pieces)
    {
        lock (_gate)
        {
            SettleNeedsLock();
            foreach (var piece in pieces)
            {
                _torrents[id].Have.Set(piece);
            }

            NoteCompletionNeedsLock(_torrents[id]);
        }
    }

    private void SettleNeedsLock()
    {
        foreach (var torrent in _torrents.Values.ToList())
        {
            torrent.Settle(Now);
        }
    }

    private void NoteCompletionNeedsLock(SimTorrent torrent) => torrent.CompletedAt = torrent.AmountLeft == 0 ? torrent.CompletedAt ?? Now : null;

    private IEnumerable<SimTorrent> FindNeedsLock(IEnumerable<string> ids) =>
        ids.Distinct().Select(id => _torrents.GetValueOrDefault(id)).OfType<SimTorrent>();

    /// <summary>The model while its lock is held.</summary>
    public readonly struct SimLook
    {
        private readonly SimClientModel _model;

        internal SimLook(SimClientModel model) => _model = model;

        /// <summary>Torrents that lists show, by id.</summary>
        public IEnumerable<SimTorrent> Torrents
        {
            get
            {
                var now = _model.Now;
                return _model._torrents.Values.Where(torrent => torrent.ListedAt <= now);
            }
        }

        /// <summary>Categories and their save paths.</summary>
        public IReadOnlyDictionary<string, string> Categories => _model._categories;

        public IReadOnlyCollection<string> Tags => _model._tags;

        public SimTorrent? Find(string id) => Torrents.FirstOrDefault(torrent => torrent.Id == id);

        /// <summary>The state word of this version.</summary>
        public string State(SimTorrent torrent) => _model.StateOf(torrent);

        /// <summary>What a list shows of progress: in seed mode all, before any file was looked at.</summary>
        public double Progress(SimTorrent torrent) => torrent.Activity == SimActivity.ReadingRecords ? 1 : torrent.Progress;

        /// <summary>As <see cref="Progress"/>, in bytes that lack.</summary>
        public long AmountLeft(SimTorrent torrent) => torrent.Activity == SimActivity.ReadingRecords ? 0 : torrent.AmountLeft;

        /// <summary>Files as this version lists them: manifest index, in order.</summary>
        public IReadOnlyList<int> Files(SimTorrent torrent) => torrent.Listed;
    }

    private string StateOf(SimTorrent torrent)
    {
        var stopped = Generation.SaysStop ? "stopped" : "paused";
        return torrent switch
        {
            { Activity: SimActivity.ReadingRecords } => "checkingResumeData",
            { Activity: SimActivity.Checking, CompletedAt: null } => "checkingDL",
            { Activity: SimActivity.Checking } => "checkingUP",
            { Activity: SimActivity.Moving } => "moving",
            { IsMissing: true } => "missingFiles",
            { AmountLeft: 0, IsStopped: true } => stopped + "UP",
            { AmountLeft: 0 } => "stalledUP",
            { IsStopped: true } => stopped + "DL",
            _ => "stalledDL",
        };
    }

    private static (string Id, bool IsHeld) IdOf(TorrentManifest manifest, SimGeneration generation) => generation.IsOldest
        ? (manifest.V1.ToString(), manifest.V1.Length > 0)
        : (manifest.V2.Length > 0 ? manifest.V2.ToString()[..40] : manifest.V1.ToString(), true);
}
