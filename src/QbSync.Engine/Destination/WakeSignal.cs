namespace QbSync.Engine.Destination;

/// <summary>Wakes one who waits. A raise before the wait counts; several count once. Thread-safe.</summary>
internal sealed class WakeSignal(TimeProvider time)
{
    private volatile TaskCompletionSource _raised = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Raise() => _raised.TrySetResult();

    /// <summary>Forgets raises so far: called before the look that the wait is about.</summary>
    public void Reset()
    {
        if (_raised.Task.IsCompleted)
        {
            _raised = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Waits for a raise since <see cref="Reset"/>, or for the bound.</summary>
    public async Task WaitAsync(TimeSpan bound, CancellationToken cancellationToken)
    {
        using var rest = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(_raised.Task, Task.Delay(bound, time, rest.Token)).ConfigureAwait(false);
        await rest.CancelAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }
}
