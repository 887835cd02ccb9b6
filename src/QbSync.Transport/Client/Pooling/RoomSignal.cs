using System.Threading.Tasks.Sources;

namespace QbSync.Transport.Client.Pooling;

/// <summary>
/// Wakes the one sender that waits on a stream. Used again for each wait, so that waiting allocates nothing. Armed and set under the pool's gate.
/// </summary>
internal sealed class RoomSignal : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };

    public bool IsArmed { get; private set; }

    public ValueTask Arm()
    {
        _core.Reset();
        IsArmed = true;
        return new ValueTask(this, _core.Version);
    }

    public void Set()
    {
        if (IsArmed)
        {
            IsArmed = false;
            _core.SetResult(true);
        }
    }

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
