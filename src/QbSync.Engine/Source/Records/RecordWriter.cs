using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Records;

/// <summary>
/// Writes records in the order in which they were given, one at a time, off the loop. Owned by the engine, which completes it at the end.
/// </summary>
internal sealed partial class RecordWriter(RecordStore store, ILogger<RecordWriter> logger)
{
    private readonly Channel<Job> _jobs = Channel.CreateBounded<Job>(
        new BoundedChannelOptions(4096) { SingleReader = true }); // Writers wait: a disk that is that far behind has to slow phases down.

    /// <summary>Makes a record durable, or removes it for null.</summary>
    public async Task WriteAsync(InfoHash id, TorrentRecord? record, CancellationToken cancellationToken)
    {
        var job = new Job(id, record, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await _jobs.Writer.WriteAsync(job, cancellationToken).ConfigureAwait(false);
        await job.Done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes until completed and empty.</summary>
    public async Task RunAsync()
    {
        await foreach (var job in _jobs.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            try
            {
                await (job.Record is { } record ? store.SaveAsync(record, CancellationToken.None) : store.RemoveAsync(job.Id, CancellationToken.None))
                    .ConfigureAwait(false);
                job.Done.TrySetResult();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                Log.RecordNotWritten(logger, job.Id, e.Message);
                job.Done.TrySetException(e);
            }
        }
    }

    public void Complete() => _jobs.Writer.TryComplete();

    private sealed record Job(InfoHash Id, TorrentRecord? Record, TaskCompletionSource Done);
}
