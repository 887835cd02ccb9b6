using QbSync.Ports;

namespace QbSync.Engine.Source.Peers;

/// <summary>What the destination tells of itself, for as long as it does.</summary>
internal sealed partial class PeerWatcher
{
    /// <param name="listening">What listened when the gate opened: what begins later began behind a gate that was closed again.</param>
    private void OnOpened(CancellationTokenSource? listening)
    {
        metrics.GateOpened();
        try
        {
            listening?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It had just ended by itself.
        }
    }

    private async ValueTask ListenAsync(CancellationToken stop)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        lock (_lock)
        {
            if (_gate.State != PeerGateState.Closed)
            {
                // It opened after the greeting, when there was nothing yet to end: who listened now would do so behind an open gate, and nobody would probe.
                return;
            }

            _listening = ended;
        }

        IAsyncEnumerator<DestinationUpdate>? updates = null;
        Task<bool>? next = null;
        try
        {
            updates = destination.WatchAsync(caller, ended.Token).GetAsyncEnumerator(ended.Token);
            while (await (next = updates.MoveNextAsync().AsTask()).WaitAsync(Silence, clock.Provider, ended.Token).ConfigureAwait(false))
            {
                await sink(new PeerEvent.Told(updates.Current), ended.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
        }
        catch (TimeoutException) when (next is { IsCompleted: false })
        {
            Log.WatchEnded(logger, $"nothing came for {Silence.TotalSeconds:0} s.");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Whatever it is, the next greeting tells whether the destination is there.
            Log.WatchEnded(logger, e.Message);
        }
        finally
        {
            lock (_lock)
            {
                _listening = null;
            }

            await ended.CancelAsync().ConfigureAwait(false);

            // Not waited for: it ends by its token, and where it does not heed that, nothing here may hang with it.
            _ = LeaveAsync(updates, next);
        }
    }

    /// <summary>Disposes of what was listened to. An iterator cannot be disposed of while it moves, so it comes to the end of its move first.</summary>
    private static async Task LeaveAsync(IAsyncEnumerator<DestinationUpdate>? updates, Task? move)
    {
        try
        {
            if (move is not null)
            {
                await move.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (updates is not null)
            {
                await updates.DisposeAsync().ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Why listening ended has been told.
        }
    }
}
