using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using QbSync.Engine;
using QbSync.Host.Configuration;
using QbSync.Host.Doctor.Peer;
using QbSync.Ports;
using QbSync.Storage.Inspection;
using QbSync.Storage.State;
using QbSync.Torrents;
using QbSync.Transport;

namespace QbSync.Host.Doctor;

/// <summary>
/// The configuration that is looked at, with what several checks need of it: each is asked for once, so that one login and one connection do for all. Used by
/// one check after the other. Writes nothing.
/// </summary>
internal sealed class DoctorPatient : IAsyncDisposable
{
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly IMetricFactory _metrics;
    private readonly Lazy<ITorrentClient?> _client;
    private readonly Lazy<RemoteDestination> _destination;
    private readonly Lazy<FolderProbe> _probe;
    private Task<ClientAnswer>? _answer;
    private Task<ClientUpdate>? _torrents;

    public DoctorPatient(RoleSettings settings, TimeProvider time)
    {
        // Nobody gets an identity by being looked at.
        settings.Security.ReadOnly = true;
        (Settings, Time) = (settings, time);
        _metrics = Prometheus.Metrics.WithCustomRegistry(_registry);
        _client = new(() => ClientFactory.CreateForLook(settings, Records(settings), _metrics, _registry, NullLoggerFactory.Instance, time, new Random()));
        _destination = new(() => new RemoteDestination(
            EngineOptions.ForLink(settings), _metrics, _registry, NullLoggerFactory.Instance, time, new Random()));
        _probe = new(() => FolderProbe.Run(settings.Data, time));
    }

    public RoleSettings Settings { get; }

    public TimeProvider Time { get; }

    /// <summary>What the data folder can do.</summary>
    public FolderProbe DataProbe => _probe.Value;

    /// <summary>The destination, over the network.</summary>
    public RemoteDestination Destination => _destination.Value;

    /// <summary>Set once the destination answered; else the checks of the way there have nothing to look at.</summary>
    public PeerAnswer? Peer { get; set; }

    /// <summary>The round trip to the destination, once it was measured.</summary>
    public TimeSpan? RoundTrip { get; set; }

    /// <summary>The source's own id, or one for this run.</summary>
    public async Task<Guid> GetSourceIdAsync(CancellationToken cancellationToken) =>
        await SourceState.FindSourceIdAsync(Records(Settings), cancellationToken) ?? new Guid(RandomNumberGenerator.GetBytes(16));

    /// <summary>What the client answered to the one login; null where the configuration has no client.</summary>
    public async Task<ClientAnswer?> AskClientAsync(CancellationToken cancellationToken)
    {
        if (_client.Value is not { } client)
        {
            return null;
        }

        // Begun once: a check that gives up leaves it to the next one.
        return await (_answer ??= AskAsync(client)).WaitAsync(cancellationToken);
    }

    /// <summary>The client, when it let us in; null otherwise.</summary>
    public async Task<(ITorrentClient Client, ClientDescription Description)?> FindClientAsync(CancellationToken cancellationToken) =>
        await AskClientAsync(cancellationToken) is { Description: { } description } ? (_client.Value!, description) : null;

    /// <summary>The client's torrents and free space; null when it did not let us in.</summary>
    public async Task<ClientUpdate?> PollAsync(CancellationToken cancellationToken) => await FindClientAsync(cancellationToken) is { Client: { } client }
        ? await (_torrents ??= client.PollAsync([], CancellationToken.None).AsTask()).WaitAsync(cancellationToken)
        : null;

    /// <summary>Where the client's paths are on this machine.</summary>
    public LocalPaths PathsOf(ClientDescription description) => Settings.Role == Roles.Source
        ? LocalPaths.Of(EngineOptions.ForSource(Settings), description)
        : LocalPaths.Of(EngineOptions.ForDestination(Settings));

    public async ValueTask DisposeAsync()
    {
        if (_destination.IsValueCreated)
        {
            await _destination.Value.DisposeAsync();
        }

        if (_client.IsValueCreated && _client.Value is IAsyncDisposable client)
        {
            await client.DisposeAsync();
        }
    }

    private static ReadOnlyRecords Records(RoleSettings settings) =>
        new(settings.Role == Roles.Source ? settings.StateDirectory : Path.Join(settings.StateDirectory, "client"));

    private async Task<ClientAnswer> AskAsync(ITorrentClient client)
    {
        try
        {
            var description = await client.DescribeAsync(refresh: false, CancellationToken.None);

            // One small question over the connection that is there now, of a torrent that nobody has.
            var began = Time.GetTimestamp();
            await client.FindAsync(InfoHash.Parse(new string('0', 40)), InfoHash.None, CancellationToken.None);
            return new ClientAnswer(description, null, Time.GetElapsedTime(began));
        }
        catch (TorrentClientException failure)
        {
            return new ClientAnswer(null, failure, TimeSpan.Zero);
        }
    }
}

/// <summary>How the client met us.</summary>
/// <param name="Description">What it is; null when it did not let us in.</param>
/// <param name="Failure">Why not.</param>
/// <param name="Latency">Time of one small call.</param>
internal sealed record ClientAnswer(ClientDescription? Description, TorrentClientException? Failure, TimeSpan Latency);
