using QbSync.Engine.Source.Planning;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Tracking;

/// <summary>The pieces of downloading torrents: asked for beside the looks, so that a slow answer delays none of them.</summary>
internal sealed partial class PieceMonitor
{
    private const int PieceCallsAtOnce = 4;
    private readonly PieceCallPace _piecePace = new();
    private readonly SemaphoreSlim _pieceTurns = new(PieceCallsAtOnce);
    private readonly List<Task> _asking = [];

    /// <summary>Asks for what is due, the one first that was not asked for longest.</summary>
    private void AskPieces(ClientUpdate update, CancellationToken stop)
    {
        _asking.RemoveAll(static asking => asking.IsCompleted);
        List<(TorrentStatus Status, WatchedTorrent Watch)> due = [];
        foreach (var status in update.Torrents)
        {
            if (!_watched.TryGetValue(status.Id, out var watch))
            {
                continue;
            }

            switch (ClientClasses.Of(status))
            {
                case ClientClass.Busy or ClientClass.Broken:
                    watch.Doubt();
                    break;
                case ClientClass.Downloading or ClientClass.PausedDownload when watch.IsDue(status, clock.Now):
                    due.Add((status, watch));
                    break;
                case ClientClass.Downloading or ClientClass.PausedDownload when watch.IsIdle(status):
                    metrics.PollSkipped();
                    break;
            }
        }

        foreach (var (status, watch) in due.OrderBy(static torrent => torrent.Watch.AskedAt ?? TimeSpan.MinValue))
        {
            if (!_piecePace.TryBegin(clock.Now))
            {
                break; // what is left is first at the next look
            }

            watch.Ask(status, clock.Now);
            _asking.Add(Task.Run(() => AskPiecesAsync(status, watch, stop), CancellationToken.None));
        }
    }

    private async Task AskPiecesAsync(TorrentStatus status, WatchedTorrent watch, CancellationToken stop)
    {
        var began = clock.Now;
        var hasTurn = false;
        try
        {
            await _pieceTurns.WaitAsync(stop).ConfigureAwait(false);
            hasTurn = true;
            began = clock.Now;
            var pieces = await Bound(client.GetPiecesAsync(status.Id, watch.PieceCount, stop), stop).ConfigureAwait(false);
            if (pieces.Length == watch.PieceCount)
            {
                await sink.OnPiecesAsync(status.Id, pieces, stop).ConfigureAwait(false);
            }
            else if (!watch.WasWarnedOf)
            {
                watch.WasWarnedOf = true;
                Log.PiecesOfOtherLength(logger, status.Name, pieces.Length, watch.PieceCount);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            CountFailure(e);
            Log.PiecesUnknown(logger, status.Name, e.Message);
        }
        finally
        {
            watch.Asked(clock.Now - began);
            if (hasTurn)
            {
                _pieceTurns.Release();
            }
        }
    }

    /// <summary>A call that the client's own open breaker held back asked nobody: what opened it was counted.</summary>
    private void CountFailure(Exception failure)
    {
        if (failure is not TorrentClientException { Fault: ClientFault.BreakerOpen })
        {
            metrics.PollFailed();
        }
    }

    private Task EndAskingAsync() => Task.WhenAll(_asking);
}
