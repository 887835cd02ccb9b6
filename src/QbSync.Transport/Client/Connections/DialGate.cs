namespace QbSync.Transport.Client.Connections;

/// <summary>Whether a link may make connections: who counts the peer's failures says so. Thread-safe.</summary>
internal sealed class DialGate
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isOpen = true;

    /// <summary>Allows or forbids dialing. Allowing it after it was forbidden ends every pause: somebody has just reached the peer.</summary>
    public void Set(bool allowed)
    {
        TaskCompletionSource? opened = null;
        lock (_gate)
        {
            if (allowed && !_isOpen)
            {
                opened = _opened;
                _opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            _isOpen = allowed;
        }

        opened?.SetResult();
    }

    /// <summary>Waits until dialing is allowed.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        while (GetOpening(evenIfOpen: false) is { } opening)
        {
            await opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Waits for a pause, and until dialing is allowed; true when the pause ended early, since the peer was reached.</summary>
    public async Task<bool> PauseAsync(TimeSpan pause, TimeProvider time, CancellationToken cancellationToken)
    {
        var opening = GetOpening(evenIfOpen: true)!;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var wasReached = await Task.WhenAny(opening, Task.Delay(pause, time, over.Token)).ConfigureAwait(false) == opening;
        await over.CancelAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        await WaitAsync(cancellationToken).ConfigureAwait(false);
        return wasReached || opening.IsCompleted;
    }

    private Task? GetOpening(bool evenIfOpen)
    {
        lock (_gate)
        {
            return _isOpen && !evenIfOpen ? null : _opened.Task;
        }
    }
}
