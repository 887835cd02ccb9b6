using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Storage.State;
using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

/// <summary>
/// The durable torrents of a destination: content below one data folder, state in one state folder that belongs to one process at a time. Thread-safe. Disposing
/// it makes everything durable and leaves the mark of a clean stop.
/// </summary>
public sealed partial class TorrentStore : ITorrentStore
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<InfoHash, TorrentStorage> _torrents = new();
    private readonly Dictionary<InfoHash, long> _opening = [];
    private readonly HashSet<InfoHash> _unreadable = [];
    private readonly Live<StorageOptions> _options;
    private readonly IFileSystem _files;
    private readonly StorageMetrics _metrics;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly Func<int, byte[]> _randomBytes;
    private volatile StorageContext? _context;
    private PathReservations? _paths;
    private StateLock? _lock;
    private RootDirectory? _state;
    private StateFlusher? _flusher;
    private Incarnation? _incarnation;
    private bool _isDisposed;

    /// <summary>Makes a store; <see cref="RecoverAsync"/> opens it.</summary>
    /// <param name="options">What a person set; <see cref="StorageOptions.Validate"/> must find nothing.</param>
    /// <param name="metrics">Makes the metric families of a destination.</param>
    /// <param name="registry">Where gauges are set before a scrape.</param>
    /// <param name="loggers">Makes the loggers.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="PlatformNotSupportedException">Not a 64-bit Linux.</exception>
    public TorrentStore(StorageOptions options, IMetricFactory metrics, CollectorRegistry registry, ILoggerFactory loggers, TimeProvider time)
        : this(options, metrics, registry, loggers, time, LinuxFileSystem.Create(), RandomNumberGenerator.GetBytes)
    {
    }

    /// <summary>The same over any file system and source of random bytes.</summary>
    internal TorrentStore(
        StorageOptions options,
        IMetricFactory metrics,
        CollectorRegistry registry,
        ILoggerFactory loggers,
        TimeProvider time,
        IFileSystem files,
        Func<int, byte[]> randomBytes)
    {
        if (options.Validate() is { Count: > 0 } errors)
        {
            throw new ArgumentException(string.Join(" ", errors), nameof(options));
        }

        _options = new Live<StorageOptions>(options.WithFixedOf(options));
        _files = files;
        _metrics = new StorageMetrics(metrics, registry, StorageMetrics.Destination, loggers);
        _logger = loggers.CreateLogger<TorrentStore>();
        _time = time;
        _randomBytes = randomBytes;
        _metrics.PublishDirtyTorrents(CountDirty);
        _metrics.PublishOpenFiles(() => _context?.Handles.Count ?? 0);
    }

    /// <summary>
    /// Goes on by other options: <see cref="StorageOptions.MinFreeBytes"/>, <see cref="StorageOptions.Hardlinks"/>, <see cref="StorageOptions.Reflinks"/> and
    /// <see cref="StorageOptions.ReadBack"/>. All others stay as they are. From any thread.
    /// </summary>
    /// <exception cref="ArgumentException">The options are not valid, and those before stay in force.</exception>
    public void Apply(StorageOptions options)
    {
        var next = options.WithFixedOf(_options.Current);
        if (next.Validate() is { Count: > 0 } errors)
        {
            throw new ArgumentException(string.Join(" ", errors), nameof(options));
        }

        _options.Replace(next);
    }

    /// <inheritdoc />
    public ulong Incarnation => Opened(_incarnation).Value;

    /// <inheritdoc />
    public long? GetFreeBytes() => Opened(_context).Space.GetFreeBytes();

    /// <inheritdoc />
    public Refusal? GetTrouble() => Opened(_context).Health.Look();

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _metrics.PublishDirtyTorrents(null);
        _metrics.PublishOpenFiles(null);
        if (_flusher is not null)
        {
            await _flusher.DisposeAsync().ConfigureAwait(false);
        }

        var isClean = _incarnation is not null;
        foreach (var storage in List())
        {
            try
            {
                await storage.DisposeAsync().ConfigureAwait(false);
            }
            catch (StorageException exception)
            {
                isClean = false;
                Log.NotSaved(_logger, storage.Request.Manifest.Id, exception.Message);
            }
        }

        if (_context is not null)
        {
            await _context.Links.DisposeAsync().ConfigureAwait(false);
            await _context.Health.DisposeAsync().ConfigureAwait(false);
        }

        LeaveCleanMark(isClean);
        ReleaseState();
        _context?.Dispose();
    }

    private void LeaveCleanMark(bool isClean)
    {
        try
        {
            if (isClean)
            {
                _incarnation!.MarkClean();
            }
        }
        catch (StorageException exception)
        {
            Log.NoCleanMark(_logger, exception.Message);
        }
    }

    private IReadOnlyList<TorrentStorage> List()
    {
        lock (_gate)
        {
            return [.. _torrents.Values];
        }
    }

    private int CountDirty()
    {
        var count = 0;
        foreach (var (_, storage) in _torrents) // without the lock, which a scrape must not wait for
        {
            count += storage.IsDirty ? 1 : 0;
        }

        return count;
    }

    private void Register(TorrentStorage storage)
    {
        storage.FlushDue += Opened(_flusher).Request;
        storage.Discarded = Forget;
        lock (_gate)
        {
            _torrents[storage.Request.Manifest.Id] = storage;
        }
    }

    private void Forget(TorrentStorage storage)
    {
        Opened(_paths).Release(storage.Request.Manifest.Id);
        Opened(_context).Links.Release(storage.Request.Manifest.Id);

        // Last: who opens the torrent anew after this reserves for itself.
        lock (_gate)
        {
            _torrents.TryRemove(storage.Request.Manifest.Id, out _);
        }
    }

    /// <summary>Others may hold the same inode: they look at it again before they rely on it.</summary>
    private void Doubt(InfoHash by, ulong inode)
    {
        foreach (var storage in List())
        {
            if (storage.Layout.Manifest.Id != by)
            {
                storage.Doubt(inode);
            }
        }
    }

    /// <summary>What a torrent waited for came, or will not come.</summary>
    private void Wake(InfoHash torrent)
    {
        TorrentStorage? storage;
        lock (_gate)
        {
            storage = _torrents.GetValueOrDefault(torrent);
        }

        storage?.RaiseSettleDue();
    }

    private static T Opened<T>(T? part)
        where T : class => part ?? throw new InvalidOperationException("The store is not open yet: call RecoverAsync first.");
}
