namespace QbSync.QBittorrent.Pipeline;

/// <summary>One observation per logical call, with all its retries and pauses.</summary>
internal sealed class MeteredPipeline(IApiPipeline next, QBittorrentMetrics metrics, TimeProvider time) : IApiPipeline
{
    public async ValueTask<T> SendAsync<T>(ApiCall<T> call, CallProgress progress, CancellationToken cancellationToken)
    {
        var startedAt = time.GetTimestamp();
        try
        {
            return await next.SendAsync(call, progress, cancellationToken).ConfigureAwait(false);
        }
        catch (TorrentClientException failure)
        {
            metrics.CallFailed(failure.Fault);
            throw;
        }
        finally
        {
            // A call that was refused before it was sent is neither counted nor timed.
            if (progress.Attempts > 0)
            {
                metrics.CallEnded(call.Operation, startedAt);
            }
        }
    }
}
