using QbSync.Engine.Source.Cleanup;

namespace QbSync.Engine.Source;

/// <summary>How much each torrent uploads, over restarts.</summary>
internal sealed partial class SourceLoop
{
    private static readonly TimeSpan UploadsSavedEvery = TimeSpan.FromMinutes(10);
    private UploadRates _uploads = new([]);
    private TimeSpan _uploadsSampledAt = TimeSpan.MinValue;
    private TimeSpan _uploadsSavedAt;

    /// <summary>Takes up what an earlier process saw. Before it runs.</summary>
    public void UseUploads(UploadRateRecord record) => _uploads = new UploadRates(record.Rates);

    private void SampleUploads()
    {
        if (!IsCleanupOn || _lastSeen is not { } seen || (_uploadsSampledAt != TimeSpan.MinValue && Now - _uploadsSampledAt < _options.Sleep))
        {
            return;
        }

        _uploadsSampledAt = Now;
        _uploads.Sample(seen.Update.Torrents, _with.Clock.WallNow);
        if (Now - _uploadsSavedAt >= UploadsSavedEvery)
        {
            _uploadsSavedAt = Now;
            Track(SaveUploadsAsync());
        }
    }

    /// <summary>As they are now, if any were looked at. To be begun on the loop, which owns them.</summary>
    private Task SaveUploadsAsync() => _uploadsSampledAt == TimeSpan.MinValue ? Task.CompletedTask : SaveUploadsAsync(_uploads.ToRecord());

    private async Task SaveUploadsAsync(UploadRateRecord record)
    {
        try
        {
            // Off the loop: what is written so seldom may be large.
            await Task.Run(() => _with.Records.SaveUploadsAsync(record, CancellationToken.None).AsTask()).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Log.UploadsNotSaved(_logger, e.Message); // Costs an order that is less right after a restart, nothing else.
        }
    }
}
