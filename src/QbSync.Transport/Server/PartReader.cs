using Grpc.Core;

namespace QbSync.Transport.Server;

/// <summary>Reads the parts of one upload, each within its time. After the last one the time for the answer runs.</summary>
internal sealed class PartReader<T>(IAsyncStreamReader<T> parts, ServerCallContext context)
    where T : class
{
    private readonly CallDeadline? _deadline = CallDeadline.Of(context);
    private bool _hasBegun;

    public T Current => parts.Current;

    /// <summary>The next part; false after the last one.</summary>
    /// <exception cref="OperationCanceledException">It did not come in time, or the call was given up.</exception>
    public async Task<bool> MoveAsync()
    {
        if (_hasBegun)
        {
            _deadline?.Restart(CallDeadline.NextPart);
        }

        _hasBegun = true;
        var has = await parts.MoveNext(context.CancellationToken).ConfigureAwait(false);
        _deadline?.Restart(has ? CallDeadline.NextPart : CallDeadline.Answer);
        return has;
    }

    /// <summary>No more parts are wanted: the time for the answer runs.</summary>
    public void Stop() => _deadline?.Restart(CallDeadline.Answer);
}
