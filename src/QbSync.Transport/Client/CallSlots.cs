namespace QbSync.Transport.Client;

/// <summary>How many calls are made at a time: as many as the peer takes. Who waits longest goes first. Thread-safe.</summary>
internal sealed class CallSlots
{
    // Hello takes no slot: nothing may keep it waiting.
    private const int Reserved = 2;
    private const int Most = 32;
    private readonly Lock _gate = new();
    private readonly Queue<TaskCompletionSource> _waiting = [];
    private int _limit = Most - Reserved;
    private int _used;

    /// <summary>The peer told how many calls it takes at a time; 0 = it did not.</summary>
    public void SetLimit(uint calls)
    {
        lock (_gate)
        {
            _limit = Math.Max(1, (calls == 0 ? Most : (int)Math.Min(calls, Most)) - Reserved);
            Admit_NeedsLock();
        }
    }

    /// <summary>Waits for a slot; whoever got it calls <see cref="Release"/>.</summary>
    public async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        TaskCompletionSource turn;
        lock (_gate)
        {
            if (_used < _limit)
            {
                _used++;
                return;
            }

            turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(turn);
        }

        await using var registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), turn).ConfigureAwait(false);
        await turn.Task.ConfigureAwait(false);
    }

    public void Release()
    {
        lock (_gate)
        {
            _used--;
            Admit_NeedsLock();
        }
    }

    private void Admit_NeedsLock()
    {
        while (_used < _limit && _waiting.TryDequeue(out var turn))
        {
            // Who gave up is passed over.
            _used += turn.TrySetResult() ? 1 : 0;
        }
    }
}
