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

    /// <summary>
    /// A <c>.torrent</c> or a file table takes as long as the way needs, and who carries it sees to it that it moves; this is for one who does not.
    /// </summary>
    private static readonly TimeSpan UploadDeadline = TimeSpan.FromMinutes(30);

    /// <summary>A destination takes 32 calls of a peer at a time. Who waits for a turn here does not run into a deadline.</summary>
    private readonly SemaphoreSlim _turns = new(24);

    public Task<IReadOnlyList<DestinationTorrentStatus>> GetStatusAsync(IReadOnlyList<InfoHash> ids, bool withBitmaps, CancellationToken cancellationToken) =>
        CallAsync(token => destination.GetStatusAsync(caller, new StatusRequest(ids, withBitmaps), token), cancellationToken);

    public Task<InitOutcome> InitAsync(InitRequest request, CancellationToken cancellationToken) =>
        CallAsync(
            token => destination.InitAsync(caller, request, token), cancellationToken, isUpload: !request.Torrent.IsEmpty || request.Files is not null);

    public Task<FinalizeOutcome> FinalizeAsync(FinalizeRequest request, CancellationToken cancellationToken) =>
        CallAsync(token => destination.FinalizeAsync(caller, request, token), cancellationToken, isUpload: request.Files is not null);

    public Task<AbortOutcome> AbortAsync(AbortRequest request, CancellationToken cancellationToken) =>
        CallAsync(token => destination.AbortAsync(caller, request, token), cancellationToken);

    public Task<ProveOutcome> ProveAsync(ProveRequest request, CancellationToken cancellationToken) =>
        CallAsync(token => destination.ProveAsync(caller, request, token), cancellationToken);

    public Task<StartOutcome> StartAsync(StartRequest request, CancellationToken cancellationToken) =>
        CallAsync(token => destination.StartAsync(caller, request, token), cancellationToken);

    public Task<WithdrawOutcome> WithdrawAsync(WithdrawRequest request, CancellationToken cancellationToken) =>
        CallAsync(token => destination.WithdrawAsync(caller, request, token), cancellationToken);

    public Task<ConfirmOutcome> ConfirmHandoffAsync(ConfirmHandoffRequest request, CancellationToken cancellationToken) =>
        CallAsync(token => destination.ConfirmHandoffAsync(caller, request, token), cancellationToken);

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

    /// <param name="isUpload">How long it takes depends on the way there; who carries it sees to it that it moves.</param>
    private async Task<T> CallAsync<T>(Func<CancellationToken, ValueTask<T>> call, CancellationToken cancellationToken, bool isUpload = false)
    {
        await _turns.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return gate.State == PeerGateState.Closed
                ? await CallAsync(call, isUpload ? UploadDeadline : deadline, cancellationToken).ConfigureAwait(false)
                : throw new PeerException(PeerFault.Unreachable, "The destination does not answer: it is not called until it does.");
        }
        finally
        {
            _turns.Release();
        }
    }

    private async Task<T> CallAsync<T>(Func<CancellationToken, ValueTask<T>> call, TimeSpan within, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var began = clock.Now;
        try
        {
            var answer = await call(ended.Token).AsTask().WaitAsync(within, clock.Provider, cancellationToken).ConfigureAwait(false);
            gate.Succeeded();
            return answer;
        }
        catch (TimeoutException e)
        {
            gate.Failed(began);
            throw new PeerException(PeerFault.Timeout, $"The destination did not answer within {within.TotalSeconds:0} s.", e);
        }
        catch (PeerException e) when (e.Fault is PeerFault.Unreachable or PeerFault.Timeout)
        {
            // Any other fault is an answer: the destination is there.
            gate.Failed(began);
            throw;
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
        }
    }
}
