using QbSync.Engine.Shared;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Peers;

/// <summary>The destination's verbs, each with a deadline, each telling the gate how it went. Thread-safe.</summary>
internal sealed class DestinationCalls(IDestination destination, Caller caller, PeerWatcher gate, TimeSpan deadline, MonotonicClock clock)
{
    /// <summary>A destination that answers Running without waiting is not asked more often than this.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    public Task<IReadOnlyList<DestinationTorrentStatus>> GetStatusAsync(IReadOnlyList<InfoHash> ids, bool withBitmaps, CancellationToken cancellationToken) =>
        CallAsync(token => destination.GetStatusAsync(caller, new StatusRequest(ids, withBitmaps), token), cancellationToken);

    public Task<InitOutcome> InitAsync(InitRequest request, CancellationToken cancellationToken) =>
        CallAsync(token => destination.InitAsync(caller, request, token), cancellationToken);

    public Task<FinalizeOutcome> FinalizeAsync(FinalizeRequest request, CancellationToken cancellationToken) =>
        CallAsync(token => destination.FinalizeAsync(caller, request, token), cancellationToken);

    public Task<AbortOutcome> AbortAsync(AbortRequest request, CancellationToken cancellationToken) =>
        CallAsync(token => destination.AbortAsync(caller, request, token), cancellationToken);

    public IPieceLink OpenLink(IPieceLinkSink sink) => destination.OpenLink(caller, sink);

    /// <summary>Repeats a verb while it answers Running.</summary>
    /// <param name="progress">The progress of an answer; null for a final one.</param>
    public async Task<T> RepeatAsync<T>(
        Func<CancellationToken, Task<T>> call, Func<T, OperationProgress?> progress, Action<OperationProgress> onProgress, CancellationToken cancellationToken)
    {
        while (true)
        {
            var began = clock.Now;
            var answer = await call(cancellationToken).ConfigureAwait(false);
            if (progress(answer) is not { } running)
            {
                return answer;
            }

            onProgress(running);
            if (clock.Now - began < Patience)
            {
                await Task.Delay(Patience, clock.Provider, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task<T> CallAsync<T>(Func<CancellationToken, ValueTask<T>> call, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            var answer = await call(ended.Token).AsTask().WaitAsync(deadline, clock.Provider, cancellationToken).ConfigureAwait(false);
            gate.Succeeded();
            return answer;
        }
        catch (TimeoutException e)
        {
            gate.Failed();
            throw new PeerException(PeerFault.Timeout, $"The destination did not answer within {deadline.TotalSeconds:0} s.", e);
        }
        catch (PeerException)
        {
            gate.Failed();
            throw;
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
        }
    }
}
