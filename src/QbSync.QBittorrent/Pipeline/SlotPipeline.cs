namespace QbSync.QBittorrent.Pipeline;

/// <summary>Bounds what is asked at once, since one thread serves all at the client. First come, first served.</summary>
internal sealed class SlotPipeline(IApiPipeline next, int lightSlots) : IApiPipeline, IDisposable
{
    private readonly SemaphoreSlim _light = new(lightSlots), _heavy = new(1);

    public async ValueTask<T> SendAsync<T>(ApiCall<T> call, CallProgress progress, CancellationToken cancellationToken)
    {
        var slots = call.Cost == CallCost.Heavy ? _heavy : _light;
        await slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await next.SendAsync(call, progress, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            slots.Release();
        }
    }

    public void Dispose()
    {
        _light.Dispose();
        _heavy.Dispose();
    }
}
