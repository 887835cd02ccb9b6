using Microsoft.Extensions.Logging;
using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Storage.Pieces;

namespace QbSync.Storage.FolderClient;

/// <summary>
/// A torrent client over a folder of <c>.torrent</c> files and a folder of data: the embedded default of both roles. It transfers nothing itself. What
/// is on disk, and grows there, counts for the pieces that hash; finished torrents are not read again unless a recheck is asked for.
/// Thread-safe: one call works at a time, the others wait for their turn. Hashing is done within polls and reads, bounded; there is no task of its own.
/// </summary>
public sealed partial class FolderTorrentClient : ITorrentClient, IAsyncDisposable
{
    private const int MaxOpenFiles = 64, Epoch = 1;

    private readonly SemaphoreSlim _turn = new(1);
    private readonly Dictionary<ClientTorrentId, FolderTorrent> _torrents = [];
    private readonly FolderClientOptions _options;
    private readonly FolderRecordStore _records;
    private readonly FolderScanner _scanner;
    private readonly FolderContentChecker _checker;
    private readonly PieceReader _reader;
    private readonly IFileSystem _files;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private FolderClientRecord? _client;
    private bool _disposed;

    /// <summary>Makes the client, and the torrents folder when it is absent. Torrents are looked for by the first call.</summary>
    /// <exception cref="ArgumentException">The options are not valid; the message holds every error.</exception>
    public FolderTorrentClient(FolderClientOptions options, ILoggerFactory loggers, TimeProvider time)
    {
        if (options.Validate() is { Count: > 0 } errors)
        {
            throw new ArgumentException(string.Join(Environment.NewLine, errors), nameof(options));
        }

        if (!options.ReadOnly)
        {
            Directory.CreateDirectory(options.TorrentsDirectory);
        }

        _options = options;
        _time = time;
        _logger = loggers.CreateLogger<FolderTorrentClient>();
        _files = OperatingSystem.IsLinux()
            ? LinuxFileSystem.Create()
            : throw new PlatformNotSupportedException("QbSync keeps state on Linux only so far.");
        var registry = Prometheus.Metrics.NewCustomRegistry(); // its reads are not those that the source's metrics are about
        var metrics = new StorageMetrics(Prometheus.Metrics.WithCustomRegistry(registry), registry, StorageMetrics.Source);
        _reader = new PieceReader(options.DataDirectory, MaxOpenFiles, metrics, loggers, time);
        _records = new FolderRecordStore(options.TorrentsDirectory, _files, options.ReadOnly);
        _scanner = new FolderScanner(options.TorrentsDirectory, _logger);
        _checker = new FolderContentChecker(_reader, time);
    }

    /// <inheritdoc />
    public event Action<ClientAvailability>? AvailabilityChanged
    {
        add { }
        remove { }
    }

    /// <inheritdoc />
    public ClientAvailability Availability => ClientAvailability.Available;

    /// <inheritdoc />
    public ValueTask<ClientDescription> DescribeAsync(bool refresh, CancellationToken cancellationToken) =>
        ValueTask.FromResult(new ClientDescription { Product = "folder", DefaultSavePath = _options.DataDirectory, Epoch = Epoch });

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            if (!_disposed)
            {
                _disposed = true;
                await Task.Run(() => Save(static torrent => torrent.Unsaved.Progress)).ConfigureAwait(false);
                _reader.Dispose();
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<T> RunAsync<T>(string operation, Func<T> work, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return await Task.Run(work, CancellationToken.None).ConfigureAwait(false);
        }
        catch (DirectoryNotFoundException error)
        {
            throw new TorrentClientException(
                ClientFault.Unreachable, operation, $"The torrents folder '{_options.TorrentsDirectory}' is not there.", error);
        }
        catch (Exception error) when (error is StorageException or IOException or UnauthorizedAccessException)
        {
            throw new TorrentClientException(ClientFault.ServerError, operation, $"The torrents folder cannot be used: {error.Message}", error);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async ValueTask ChangeAsync(string operation, Action work, CancellationToken cancellationToken) => await RunAsync(
        operation,
        () =>
        {
            Scan();
            work();
            Save(static torrent => torrent.Unsaved.Request, mustSucceed: true);
            return true;
        },
        cancellationToken).ConfigureAwait(false);

    private FolderTorrent Get(ClientTorrentId id, string operation) => _torrents.TryGetValue(id, out var torrent)
        ? torrent
        : throw new TorrentClientException(ClientFault.NotFound, operation, $"The torrent {id} is not in '{_options.TorrentsDirectory}'.");

    private void Save(Func<FolderTorrent, bool> which, bool mustSucceed = false)
    {
        foreach (var torrent in _torrents.Values.Where(which))
        {
            try
            {
                _records.Write(torrent.Manifest.Id, torrent.GetRecordToSave());
                torrent.SetSaved(_time.GetTimestamp());
            }
            catch (StorageException error) when (!mustSucceed)
            {
                // What is not saved is hashed again after a restart: nothing is lost, and the next poll tries anew.
                Log.RecordNotSaved(_logger, torrent.Id, error.Message);
            }
        }
    }
}
