using Grpc.Core;
using QbSync.Ports;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Server;

/// <summary>Writes a destination's updates to one Watch, and a beat when there were none for ten seconds. Serves one call.</summary>
internal sealed class WatchWriter(IServerStreamWriter<WatchUpdate> updates, TimeProvider time)
{
    private static readonly TimeSpan BeatTime = TimeSpan.FromSeconds(10);

    public async Task RunAsync(IAsyncEnumerable<DestinationUpdate> source, CancellationToken cancellationToken)
    {
        var changes = source.GetAsyncEnumerator(cancellationToken);
        var next = Task.FromResult(false);
        try
        {
            next = changes.MoveNextAsync().AsTask();
            while (true)
            {
                if (!next.IsCompleted && !await IsReadyAsync(next, cancellationToken).ConfigureAwait(false))
                {
                    await WriteAsync(new DestinationUpdate.Beat()).ConfigureAwait(false);
                    continue;
                }

                if (!await next.ConfigureAwait(false))
                {
                    return;
                }

                await WriteAsync(changes.Current).ConfigureAwait(false);
                next = changes.MoveNextAsync().AsTask();
            }
        }
        finally
        {
            // An enumerator may not be disposed while it moves; it ends because its token does.
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await changes.DisposeAsync().ConfigureAwait(false);
        }

        Task WriteAsync(DestinationUpdate update) => updates.WriteAsync(WireMapping.ToWire(update, time.GetUtcNow()), cancellationToken);
    }

    private async Task<bool> IsReadyAsync(Task next, CancellationToken cancellationToken)
    {
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var ready = await Task.WhenAny(next, Task.Delay(BeatTime, time, timer.Token)).ConfigureAwait(false) == next;
        await timer.CancelAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        return ready;
    }
}
