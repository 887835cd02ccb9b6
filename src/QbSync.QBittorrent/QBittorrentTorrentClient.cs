using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.QBittorrent.Adapters;
using QbSync.QBittorrent.Http;
using QbSync.QBittorrent.Models;
using QbSync.Torrents;

namespace QbSync.QBittorrent;

/// <summary>qBittorrent as the engines see it. Thread-safe; owns its client, its login and its feed.</summary>
public sealed partial class QBittorrentTorrentClient : ITorrentClient, IAsyncDisposable
{
    private const int LongestTick = 3_600_000;
    private static readonly TimeSpan UsualTick = TimeSpan.FromSeconds(1.5);

    private readonly QBittorrentClient _client;
    private readonly StatusMapper _mapper;
    private readonly ClientFeed _feed;
    private readonly QBittorrentOptions _options;

    /// <summary>Makes it; nothing is sent before the first call.</summary>
    /// <param name="mode"><c>source</c> or <c>destination</c>, a label.</param>
    /// <param name="records">Where refused logins are kept, so that a restart adds none; null: nowhere.</param>
    /// <exception cref="ArgumentException">The options are wrong; the message has every fault.</exception>
    public QBittorrentTorrentClient(
        QBittorrentOptions options,
        IMetricFactory metrics,
        CollectorRegistry registry,
        string mode,
        ILoggerFactory loggers,
        TimeProvider time,
        Random random,
        IDurableRecords? records = null)
        : this(new QBittorrentClient(options, null, metrics, registry, mode, loggers, time, random, records), options, loggers, time)
    {
    }

    internal QBittorrentTorrentClient(QBittorrentClient client, QBittorrentOptions options, ILoggerFactory loggers, TimeProvider time)
    {
        ILogger logger = loggers.CreateLogger<QBittorrentTorrentClient>();
        _client = client;
        _options = options;
        _mapper = new StatusMapper(logger);
        _feed = new ClientFeed(client, _mapper, time, logger);
    }

    /// <inheritdoc />
    public event Action<ClientAvailability>? AvailabilityChanged
    {
        add => _client.AvailabilityChanged += value;
        remove => _client.AvailabilityChanged -= value;
    }

    /// <inheritdoc />
    public ClientAvailability Availability => _client.Availability;

    /// <inheritdoc />
    public async ValueTask<ClientDescription> DescribeAsync(bool refresh, CancellationToken cancellationToken)
    {
        var session = await _client.OpenSessionAsync(refresh, cancellationToken).ConfigureAwait(false);
        var preferences = session.Preferences;
        var profile = session.Profile;
        return new ClientDescription
        {
            Product = $"qBittorrent {session.Version}",
            Version = session.Version,
            ApiVersion = profile.Version.ToString(),
            LibraryVersion = session.Libtorrent,
            Capabilities = new ClientCapabilities
            {
                AddsFolders = profile.SaysLayout,
                RenamesFiles = profile.RenamesByPath,
                ExportsManifests = profile.Exports,
                TellsBothHashes = profile.TellsBothHashes,
                HoldsV2Torrents = !session.Libtorrent.StartsWith("1.", StringComparison.Ordinal),
                StaysAtSavePath = profile.TellsBothHashes,
                LimitsInactivity = profile.LimitsInactivity,
                KeepsUnselectedFiles = profile.KeepsUnselectedFiles,
                TellsRefusedAnnounces = profile.TellsRefusedAnnounces,
            },
            DefaultSavePath = preferences.SavePath ?? "",
            TempPath = preferences.TempPathEnabled == true && !string.IsNullOrEmpty(preferences.TempPath) ? preferences.TempPath : null,
            Tick = preferences.RefreshInterval is > 0 and <= LongestTick and var tick ? TimeSpan.FromMilliseconds(tick) : UsualTick,
            Warnings = [.. ClientWarnings.Of(preferences, _options)],
            Epoch = session.Epoch,
        };
    }

    /// <inheritdoc />
    public ValueTask<ClientUpdate> PollAsync(IReadOnlyCollection<ClientTorrentId> watched, CancellationToken cancellationToken) =>
        _feed.PollAsync(watched, cancellationToken);

    /// <inheritdoc />
    public async ValueTask<TorrentStatus?> FindAsync(InfoHash v1, InfoHash v2, CancellationToken cancellationToken)
    {
        // Clients differ in which hash is their id, and ask for it by no other.
        ClientTorrentId[] ids = [.. new[] { v1, v2, v2.Truncated }.Where(static hash => hash.Length > 0).Distinct()
            .Select(static hash => new ClientTorrentId(hash.ToString()))];
        if (ids.Length == 0)
        {
            return null;
        }

        foreach (var status in await GetAsync(ids, cancellationToken).ConfigureAwait(false))
        {
            var isIt = (v1.Length > 0 && status.V1 == v1) || (v2.Length > 0 && status.V2 == v2) || ids.Contains(status.Id);
            if (isIt)
            {
                return status;
            }
        }

        return null;
    }

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<TorrentStatus>> GetAsync(
        IReadOnlyCollection<ClientTorrentId> ids, CancellationToken cancellationToken)
    {
        List<TorrentStatus> statuses = [];
        foreach (var batch in Batches(ids))
        {
            var records = await _client.GetTorrentsAsync(batch, cancellationToken).ConfigureAwait(false);
            statuses.AddRange(records.Select(record => _mapper.Map(record)));
        }

        return statuses;
    }

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<ClientFile>> GetFilesAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        var files = await _client.GetFilesInformationAsync(id, cancellationToken).ConfigureAwait(false);
        return [.. files.Select(static (file, position) => new ClientFile(
            file.Index is >= 0 and <= int.MaxValue and var index ? (int)index : position,
            file.Name ?? "",
            file.Size ?? 0,
            file.Priority is > 0,
            file.Progress ?? 0))];
    }

    /// <inheritdoc />
    public async ValueTask<PieceBitmap> GetPiecesAsync(ClientTorrentId id, int pieceCount, CancellationToken cancellationToken) =>
        await _client.GetTorrentPieceStatesAsync(id, pieceCount, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async ValueTask<byte[]> GetManifestAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        var session = await _client.OpenSessionAsync(refresh: false, cancellationToken).ConfigureAwait(false);
        if (session.Profile.Exports)
        {
            return await _client.ExportTorrentAsync(id, cancellationToken).ConfigureAwait(false);
        }

        return _options.TorrentsDirectory is { } folder
            ? await new TorrentsFolder(folder).ReadAsync(id, cancellationToken).ConfigureAwait(false)
            : throw new TorrentClientException(
                ClientFault.Unsupported,
                nameof(GetManifestAsync),
                $"qBittorrent {session.Version} does not give .torrent files (4.5 does): set qb-torrents-dir to its folder BT_backup, or update it.");
    }

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<TorrentTracker>> GetTrackersAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        var trackers = await _client.GetTrackersAsync(id, cancellationToken).ConfigureAwait(false);
        var session = await _client.OpenSessionAsync(refresh: false, cancellationToken).ConfigureAwait(false);
        return TrackerWords.Of(trackers, session.Profile);
    }

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<ClientLogLine>> GetLogAsync(CancellationToken cancellationToken)
    {
        var lines = await _client.GetLogAsync(LogLevels.Warning | LogLevels.Critical, -1, cancellationToken).ConfigureAwait(false);
        return [.. lines.Where(static line => line.At is not null).Select(static line => new ClientLogLine(line.At!.Value, line.Message ?? ""))];
    }

    /// <inheritdoc cref="QBittorrentClient.UseCredentials" />
    public void UseCredentials(QBittorrentCredentials credentials) => _client.UseCredentials(credentials);

    /// <inheritdoc cref="QBittorrentClient.RetryLogin" />
    public void RetryLogin() => _client.RetryLogin();

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync().ConfigureAwait(false);
        _feed.Dispose();
    }

    private static IEnumerable<ClientTorrentId[]> Batches(IReadOnlyCollection<ClientTorrentId> ids)
    {
        ArgumentOutOfRangeException.ThrowIfZero(ids.Count, nameof(ids));
        return ids.Chunk(TorrentIds.MostAtOnce);
    }
}
