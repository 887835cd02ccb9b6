using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using QbSync.Engine.Shared;
using QbSync.Engine.Source.Planning;
using QbSync.Engine.Source.Streaming;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Tracking;

/// <summary>
/// Looks at the client, and at the pieces of those downloading torrents that the loop registered. It alone polls. It starts nothing, stops nothing, and
/// hands what it saw to <paramref name="sink"/>. Its one task belongs to the engine.
/// </summary>
internal sealed partial class PieceMonitor(
    ITorrentClient client, Live<SourceOptions> options, MonotonicClock clock, EngineMetrics metrics, IMonitorSink sink, ILogger<PieceMonitor> logger)
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromMinutes(2);
    private readonly ConcurrentDictionary<ClientTorrentId, WatchedTorrent> _watched = new();
    private readonly PollPace _pace = new(options.Current.PollInterval);
    private readonly AsyncPulse _wake = new();
    private readonly Dictionary<ClientTorrentId, TorrentStatus> _seen = [];
    private string _problem = "";
    private bool _hasReported;
    private volatile bool _isStreaming;

    /// <summary>Asks for the pieces of a torrent from now on, while it downloads.</summary>
    public void Register(ClientTorrentId id, int pieceCount) => _watched.TryAdd(id, new WatchedTorrent(pieceCount));

    public void Unregister(ClientTorrentId id) => _watched.TryRemove(id, out _);

    /// <summary>Whether anything is on its way to the destination: then the client is looked at often, whatever it says itself.</summary>
    public void SetStreaming(bool isStreaming) => _isStreaming = isStreaming;

    /// <summary>Looks at once, wherever it rests: how often it looks has changed. From any thread.</summary>
    public void Wake() => _wake.Pulse();

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            // Taken before the options are read, so that no change falls in between.
            var woken = _wake.Next;
            _pace.Interval = options.Current.PollInterval;
            var pause = await LookAsync(stop).ConfigureAwait(false);
            await RestAsync(pause, woken, stop).ConfigureAwait(false);
        }

        await EndAskingAsync().ConfigureAwait(false);
    }

    private async Task RestAsync(TimeSpan pause, Task woken, CancellationToken stop)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await Task.WhenAny(clock.DelayAsync(pause, over.Token).AsTask(), woken).ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);
    }

    private async Task<TimeSpan> LookAsync(CancellationToken stop)
    {
        var began = clock.Now;
        var moves = true;
        TimeSpan latency;
        try
        {
            var description = await Bound(client.DescribeAsync(refresh: false, stop), stop).ConfigureAwait(false);
            var update = await Bound(client.PollAsync([.. _watched.Keys], stop), stop).ConfigureAwait(false);
            latency = clock.Now - began;
            moves = Notice(update);
            await Report("", stop).ConfigureAwait(false);
            await sink.OnSnapshotAsync(new ClientSnapshot(update, description, clock.Now), stop).ConfigureAwait(false);
            AskPieces(update, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return TimeSpan.Zero;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Whatever a client throws is an outage of that client, and never the end of the source.
            CountFailure(e);
            await Report(e.Message, stop).ConfigureAwait(false);

            // What a failure took says nothing of what an answer costs: a client that hung for minutes is found again as soon as any other.
            return ClientPatience.AfterFailure(client.Availability, clock.Provider.GetUtcNow()) ?? _pace.Next(clock.Now, moves, TimeSpan.Zero);
        }

        return _pace.Next(clock.Now, moves, latency);
    }

    /// <summary>Whether anything downloads, streams, or changed since the look before.</summary>
    private bool Notice(ClientUpdate update)
    {
        var moves = update.Removed.Count > 0 || _isStreaming || update.Torrents.Count != _seen.Count;
        foreach (var torrent in update.Torrents)
        {
            moves |= ClientClasses.Of(torrent) == ClientClass.Downloading;
            if (!_seen.TryGetValue(torrent.Id, out var before) || !ReferenceEquals(before, torrent))
            {
                moves |= before is null || before.State != torrent.State || before.AmountLeft != torrent.AmountLeft;
                _seen[torrent.Id] = torrent;
            }
        }

        if (_seen.Count > update.Torrents.Count)
        {
            var known = update.Torrents.Select(torrent => torrent.Id).ToHashSet();
            foreach (var gone in _seen.Keys.Where(id => !known.Contains(id)).ToList())
            {
                _seen.Remove(gone);
            }
        }

        return moves;
    }

    /// <summary>Tells of a change between working and not, once.</summary>
    private async ValueTask Report(string problem, CancellationToken stop)
    {
        if (problem.Length > 0 && _problem.Length == 0)
        {
            Log.ClientLost(logger, problem);
        }
        else if (problem.Length == 0 && _problem.Length > 0)
        {
            Log.ClientBack(logger);
        }

        if (problem != _problem || !_hasReported)
        {
            _problem = problem;
            _hasReported = true;
            await sink.OnClientAsync(problem, stop).ConfigureAwait(false);
        }
    }

    private Task<T> Bound<T>(ValueTask<T> call, CancellationToken stop) => call.AsTask().WaitAsync(CallTimeout, clock.Provider, stop);
}

/// <summary>Where the monitor tells what it saw.</summary>
internal interface IMonitorSink
{
    /// <summary>A look at the client.</summary>
    ValueTask OnSnapshotAsync(ClientSnapshot snapshot, CancellationToken cancellationToken);

    /// <summary>The pieces that the client has of a torrent.</summary>
    ValueTask OnPiecesAsync(ClientTorrentId id, PieceBitmap pieces, CancellationToken cancellationToken);

    /// <summary>Whether the client answers: empty when it does, else why not.</summary>
    ValueTask OnClientAsync(string problem, CancellationToken cancellationToken);
}
