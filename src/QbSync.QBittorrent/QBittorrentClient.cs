using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using QbSync.Ports;
using QbSync.QBittorrent.Http;
using QbSync.QBittorrent.Pipeline;

namespace QbSync.QBittorrent;

/// <summary>
/// The client over HTTP. Thread-safe; owns its connections, its cookies and its login, which disposing gives back. Calls pass one chain:
/// metered, read-only for a dry run, resilient (retry, breaker), slots, session (login), HTTP (time of an attempt).
/// </summary>
public sealed partial class QBittorrentClient : IQBittorrentClient, IAsyncDisposable
{
    private static readonly TimeSpan LogoutTimeout = TimeSpan.FromSeconds(2);

    private readonly IApiPipeline _pipeline;
    private readonly SlotPipeline _slots;
    private readonly SessionPipeline _session;
    private readonly SessionOpener _opener;
    private readonly CredentialsInUse _credentials;
    private readonly ClientBreaker _breaker;
    private readonly HttpMessageInvoker _invoker;
    private readonly HttpExchange _http;
    private readonly TimeProvider _time;
    private readonly Uri _url;
    private readonly ILogger _logger;
    private readonly QBittorrentMetrics _metrics;
    private int _disposed;

    /// <summary>Makes it; nothing is sent before the first call.</summary>
    /// <param name="handler">How requests are sent; null for a handler with what the server needs. Owned from here on.</param>
    /// <param name="metrics">Null, as <paramref name="registry"/>: metrics go to a private registry.</param>
    /// <param name="mode"><c>source</c> or <c>destination</c>, a label.</param>
    /// <param name="records">Where refused logins are kept, so that a restart adds none; null: nowhere.</param>
    /// <exception cref="ArgumentException">The options are wrong; the message has every fault.</exception>
    public QBittorrentClient(
        QBittorrentOptions options,
        HttpMessageHandler? handler = null,
        IMetricFactory? metrics = null,
        CollectorRegistry? registry = null,
        string mode = "source",
        ILoggerFactory? loggers = null,
        TimeProvider? time = null,
        Random? random = null,
        IDurableRecords? records = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Validate() is { Count: > 0 } errors)
        {
            throw new ArgumentException(string.Join(' ', errors), nameof(options));
        }

        registry ??= Prometheus.Metrics.NewCustomRegistry();
        metrics ??= Prometheus.Metrics.WithCustomRegistry(registry);
        _time = time ?? TimeProvider.System;
        _logger = (loggers ?? NullLoggerFactory.Instance).CreateLogger<QBittorrentClient>();
        _url = options.Url!.AbsoluteUri.EndsWith('/') ? options.Url : new Uri(options.Url.AbsoluteUri + "/");
        var jitter = new Jitter(random ?? new Random());
        _breaker = new ClientBreaker(options.BreakerThreshold, options.BreakerMaxBreak, _time, jitter, OnBreakerChanged);
        _metrics = new QBittorrentMetrics(metrics, registry, mode, _time, () => _breaker.State, loggers);
        _credentials = new CredentialsInUse(options.Credentials, options.Reread);
        var trust = handler is null ? new TlsTrust(options.CaFile, options.TlsFingerprint, _time) : null;
        _invoker = new HttpMessageInvoker(handler ?? ClientHandler.Create(_url, trust));
        _http = new HttpExchange(_invoker, _url, options, _credentials, trust, _metrics, LightLatency, _time);
        _opener = new SessionOpener(_http, _credentials, new LoginLedger(records, _url.AbsoluteUri, _logger), _metrics, _time, _logger);
        _session = new SessionPipeline(_http, _opener, _credentials, _logger);
        _slots = new SlotPipeline(_session, options.LightSlots);
        IApiPipeline resilient = new ResilientPipeline(_slots, _breaker, options, _metrics, _time, jitter);
        _pipeline = new MeteredPipeline(options.ReadOnly ? new ReadOnlyPipeline(resilient) : resilient, _metrics, _time);
    }

    /// <summary>Tells each change of <see cref="Availability"/>, as <see cref="ITorrentClient.AvailabilityChanged"/> does.</summary>
    public event Action<ClientAvailability>? AvailabilityChanged;

    /// <summary>Whether calls go through now.</summary>
    public ClientAvailability Availability => _breaker.Availability;

    internal RecentLatency LightLatency { get; } = new();

    internal ClientSession? Session => _session.Current;

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await EndWatchAsync().ConfigureAwait(false);
        using (var limit = new CancellationTokenSource(LogoutTimeout, _time))
        {
            try
            {
                await LogoutAsync(limit.Token).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is QbSyncException or OperationCanceledException)
            {
                // Best effort: the client ends idle logins by itself.
            }
        }

        await _session.DisposeAsync().ConfigureAwait(false);
        _slots.Dispose();
        _invoker.Dispose();
    }

    /// <summary>The session in use, or a new one; <paramref name="refresh"/> asks everything anew.</summary>
    internal async Task<ClientSession> OpenSessionAsync(bool refresh, CancellationToken cancellationToken)
    {
        if (refresh)
        {
            _session.Drop(null);
        }

        if (_session.Current is { } session)
        {
            return session;
        }

        // A call opens the session on its way, with the retries and the breaker of any call.
        await GetWebApiVersionAsync(cancellationToken).ConfigureAwait(false);
        return await _session.OpenAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<T> SendAsync<T>(ApiCall<T> call, CancellationToken cancellationToken)
    {
        return (await SendTimedAsync(call, cancellationToken).ConfigureAwait(false)).Answer;
    }

    private async Task<(T Answer, TimeSpan Took)> SendTimedAsync<T>(ApiCall<T> call, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        var progress = new CallProgress();
        var answer = await _pipeline.SendAsync(call, progress, cancellationToken).ConfigureAwait(false);
        return (answer, progress.Took);
    }

    private void OnBreakerChanged(BreakerChange change)
    {
        if (change.IsTrip)
        {
            _metrics.BreakerOpened();
        }

        switch (change.To)
        {
            case ClientGate.Isolated when change.From != ClientGate.Isolated:
                Log.ClientIsolated(_logger, _url, change.Cause?.Message);
                BeginWatch();
                break;
            case ClientGate.Open when change.From == ClientGate.Closed:
                Log.ClientUnavailable(_logger, _url, change.Cause?.Message);
                break;
            case ClientGate.Closed:
                Log.ClientBack(_logger, _url);
                break;
        }

        AvailabilityChanged?.Invoke(change.Availability);
    }
}
