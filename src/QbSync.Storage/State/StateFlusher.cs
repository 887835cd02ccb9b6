using Microsoft.Extensions.Logging;
using QbSync.Storage.Pieces;

namespace QbSync.Storage.State;

/// <summary>Makes what was received durable: every torrent with news each interval, one at once when it has many bytes. A slow device delays only its own torrent.</summary>
internal sealed partial class StateFlusher : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TorrentStorage, Task> _running = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<IReadOnlyList<TorrentStorage>> _list;
    private readonly ILogger _logger;
    private readonly Task _loop;

    /// <summary>Starts.</summary>
    public StateFlusher(TimeProvider time, TimeSpan interval, Func<IReadOnlyList<TorrentStorage>> list, ILogger logger)
    {
        _list = list;
        _logger = logger;
        _loop = RunAsync(new PeriodicTimer(interval, time));
    }

    /// <summary>Flushes a torrent now, unless that is going on.</summary>
    public void Request(TorrentStorage storage)
    {
        lock (_gate)
        {
            if (!_stop.IsCancellationRequested && !_running.ContainsKey(storage))
            {
                _running[storage] = Task.Run(() => FlushAsync(storage));
            }
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        Task[] running;
        lock (_gate)
        {
            running = [.. _running.Values];
        }

        await _loop.ConfigureAwait(false);
        await Task.WhenAll(running).ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync(PeriodicTimer timer)
    {
        using (timer)
        {
            try
            {
                while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
                {
                    foreach (var storage in _list())
                    {
                        if (storage.IsDirty)
                        {
                            Request(storage);
                        }
                    }
                }
            }
            catch (OperationCanceledException)
            {
                // Disposed.
            }
        }
    }

    private async Task FlushAsync(TorrentStorage storage)
    {
        try
        {
            await storage.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (StorageException exception)
        {
            Log.FlushFailed(_logger, storage.Request.Manifest.Id, exception.Message);
        }
        finally
        {
            lock (_gate)
            {
                _running.Remove(storage);
            }
        }
    }
}
