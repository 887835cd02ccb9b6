using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Transport.Client;
using QbSync.Transport.Client.Connections;
using QbSync.Transport.Client.Sending;
using QbSync.Transport.Security;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport;

/// <summary>
/// A destination over gRPC. Calls go over a control connection of their own, so that none queues behind pieces; links that it opens have theirs. Nothing is
/// connected before the first call. Thread-safe; dispose it after the links.
/// </summary>
public sealed class RemoteDestination : IDestination, IAsyncDisposable
{
    // Torrents that a status call may ask for and still be timed: more take the server's time and several packets.
    private const int SmallStatus = 16;

    private readonly TransportClientOptions _options;
    private readonly TransportMetrics _metrics;
    private readonly ILoggerFactory _loggers;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly PeerTrust? _trust;
    private readonly PeerConnections _connections;
    private readonly IPeerConnector _connector;
    private readonly ControlConnection _control;
    private readonly CallSlots _slots = new();
    private readonly LocalNode _self;
    private readonly PeerCalls _calls;
    private readonly Lock _gate = new();
    private readonly Dictionary<Caller, PeerSession> _sessions = [];
    private readonly List<PieceLink> _links = [];

    /// <summary>Makes it; the options are those of one destination.</summary>
    /// <exception cref="ArgumentException">Names everything that is wrong with the options.</exception>
    /// <exception cref="TrustException">A file that the security options name cannot be used.</exception>
    public RemoteDestination(
        TransportClientOptions options, IMetricFactory metrics, CollectorRegistry registry, ILoggerFactory loggers, TimeProvider time, Random random)
    {
        if (options.Validate() is { Count: > 0 } errors)
        {
            throw new ArgumentException(string.Join(Environment.NewLine, errors), nameof(options));
        }

        _options = options;
        _metrics = TransportMetrics.ForSource(metrics, registry, options, time, loggers);
        _loggers = loggers;
        _time = time;
        _random = random;
        options.TryGetAddress(out var address);
        _trust = PeerTrust.Create(options.Security, time, loggers);
        _connections = new PeerConnections(_trust);
        _self = LocalNode.Of(_trust);
        _metrics.ShowCertificates(() => _connections.EarliestExpiry);
        _connector = _trust is null
            ? new TcpPeerConnector(address, options.Security.AllowInsecure)
            : new TlsPeerConnector(options.Address, address, _trust, _connections, _metrics.PeerRefused, loggers.CreateLogger<TlsPeerConnector>());
        _control = new ControlConnection(options, _connector, loggers.CreateLogger<ControlConnection>(), time);
        _control.CallTimed += OnCallTimed;
        _calls = new PeerCalls(_control, _slots, options.Address, time);
    }

    /// <summary>The way to it at this moment, for people to see.</summary>
    public LinkSnapshot Link => _metrics.GetLink();

    /// <summary>Earliest end of a certificate in use, the own one included; null where there is none.</summary>
    public DateTimeOffset? CertificateEnd => _connections.EarliestExpiry;

    /// <summary>Raised after a change of who is trusted, so that a destination that was refused, or refused us, may be asked again. On a pool thread; must not block.</summary>
    public event Action? TrustChanged
    {
        add
        {
            if (_trust is not null)
            {
                _trust.Changed += value;
            }
        }

        remove
        {
            if (_trust is not null)
            {
                _trust.Changed -= value;
            }
        }
    }

    /// <inheritdoc />
    public async ValueTask<DestinationGreeting> HelloAsync(Caller caller, CancellationToken cancellationToken)
    {
        var session = await GetSession(caller).RenewAsync(cancellationToken).ConfigureAwait(false);
        return new DestinationGreeting(session.Incarnation, session.Software, session.AnswerWithin) { Clock = session.Clock };
    }

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<DestinationTorrentStatus>> GetStatusAsync(
        Caller caller, StatusRequest request, CancellationToken cancellationToken)
    {
        var answers = new List<DestinationTorrentStatus>(request.Torrents.Count);
        while (answers.Count < request.Torrents.Count)
        {
            var wire = new GetStatusRequest { Bitmaps = request.WithBitmaps };
            wire.Id.AddRange(request.Torrents.Skip(answers.Count).Select(WireMapping.ToWire));
            var isSmall = !request.WithBitmaps && wire.Id.Count <= SmallStatus;
            var reply = await _calls.UnaryAsync(GetSession(caller), SyncMethods.GetStatus, wire, cancellationToken, isSmall).ConfigureAwait(false);
            var now = _time.GetUtcNow();
            if (reply.Status.Count == 0 || reply.Status.Count > wire.Id.Count)
            {
                throw WireMapping.Malformed($"{reply.Status.Count} statuses for {wire.Id.Count} ids");
            }

            foreach (var status in reply.Status)
            {
                var answer = WireMapping.ToDomain(status, now);
                answers.Add(answer.Id == request.Torrents[answers.Count] ? answer : throw WireMapping.Malformed("statuses are not in the order of the ids"));
            }
        }

        return answers;
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<DestinationUpdate> WatchAsync(Caller caller, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var watch = new PeerWatch(_control, GetSession(caller), _calls, _options.Address, _time);
        while (true)
        {
            await watch.MoveAsync(cancellationToken).ConfigureAwait(false);
            var update = WireMapping.ToDomain(watch.Current, _time.GetUtcNow());
            if (update is DestinationUpdate.Stopping)
            {
                OnStopping();
            }

            yield return update;
        }
    }

    /// <inheritdoc />
    public async ValueTask<InitOutcome> InitAsync(Caller caller, InitRequest request, CancellationToken cancellationToken) =>
        await _calls.UploadAsync(
            GetSession(caller),
            SyncMethods.Init,
            InitParts.Cut(request),
            (reply, session) => WireMapping.ToDomain(reply, session.Incarnation, _time.GetUtcNow()),
            cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async ValueTask<FinalizeOutcome> FinalizeAsync(Caller caller, FinalizeRequest request, CancellationToken cancellationToken) =>
        await _calls.UploadAsync(
            GetSession(caller),
            SyncMethods.Finalize,
            FinalizeParts.Cut(request),
            (reply, _) => WireMapping.ToDomain(reply, _time.GetUtcNow()),
            cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async ValueTask<ProveOutcome> ProveAsync(Caller caller, Ports.ProveRequest request, CancellationToken cancellationToken)
    {
        var reply = await _calls.UnaryAsync(GetSession(caller), SyncMethods.Prove, WireMapping.ToWire(request), cancellationToken).ConfigureAwait(false);
        return WireMapping.ToDomain(reply, request, _time.GetUtcNow());
    }

    /// <inheritdoc />
    public async ValueTask<StartOutcome> StartAsync(Caller caller, Ports.StartRequest request, CancellationToken cancellationToken)
    {
        var reply = await _calls.UnaryAsync(GetSession(caller), SyncMethods.Start, WireMapping.ToWire(request), cancellationToken).ConfigureAwait(false);
        return WireMapping.ToDomain(reply, _time.GetUtcNow());
    }

    /// <inheritdoc />
    public async ValueTask<WithdrawOutcome> WithdrawAsync(Caller caller, Ports.WithdrawRequest request, CancellationToken cancellationToken)
    {
        var reply = await _calls.UnaryAsync(GetSession(caller), SyncMethods.Withdraw, WireMapping.ToWire(request), cancellationToken).ConfigureAwait(false);
        return WireMapping.ToDomain(reply, _time.GetUtcNow());
    }

    /// <inheritdoc />
    public async ValueTask<ConfirmOutcome> ConfirmHandoffAsync(Caller caller, Ports.ConfirmHandoffRequest request, CancellationToken cancellationToken) =>
        WireMapping.ToDomain(
            await _calls.UnaryAsync(GetSession(caller), SyncMethods.ConfirmHandoff, WireMapping.ToWire(request), cancellationToken).ConfigureAwait(false));

    /// <inheritdoc />
    public async ValueTask<AbortOutcome> AbortAsync(Caller caller, Ports.AbortRequest request, CancellationToken cancellationToken) =>
        WireMapping.ToDomain(
            await _calls.UnaryAsync(GetSession(caller), SyncMethods.Abort, WireMapping.ToWire(request), cancellationToken).ConfigureAwait(false));

    /// <inheritdoc />
    public IPieceLink OpenLink(Caller caller, IPieceLinkSink sink)
    {
        Random random;
        lock (_gate)
        {
            random = new Random(_random.Next());
        }

        var link = new PieceLink(_options, GetSession(caller), _connector, sink, _metrics, _loggers, _time, random);
        lock (_gate)
        {
            _links.RemoveAll(static known => known.IsClosed);
            _links.Add(link);
        }

        return link;
    }

    /// <summary>Closes the control connection; calls that wait fail.</summary>
    public ValueTask DisposeAsync()
    {
        _control.Dispose();
        _connections.Dispose();
        _trust?.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>What is on its way to a destination that stops is waited for; nothing new is sent there.</summary>
    private void OnStopping()
    {
        foreach (var link in GetLinks())
        {
            link.OnPeerStopping();
        }
    }

    private void OnCallTimed(TimeSpan roundTrip)
    {
        foreach (var link in GetLinks())
        {
            link.OnCall(roundTrip);
        }
    }

    private PieceLink[] GetLinks()
    {
        lock (_gate)
        {
            return [.. _links];
        }
    }

    private PeerSession GetSession(Caller caller)
    {
        lock (_gate)
        {
            if (!_sessions.TryGetValue(caller, out var session))
            {
                session = new PeerSession(
                    _control, _slots, caller, _self, WireVersions.Current, _options.Address, _metrics, _loggers.CreateLogger<PeerSession>(), _time);
                _sessions.Add(caller, session);
            }

            return session;
        }
    }
}
