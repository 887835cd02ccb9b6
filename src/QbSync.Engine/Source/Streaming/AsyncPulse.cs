namespace QbSync.Engine.Source.Streaming;

/// <summary>Wakes all who wait. Take <see cref="Next"/> before looking for work, so that no pulse in between is missed. Thread-safe.</summary>
internal sealed class AsyncPulse
{
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Next => Volatile.Read(ref _next).Task;

    public void Pulse() =>
        Interlocked.Exchange(ref _next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
}
