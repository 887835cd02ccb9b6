namespace QbSync.Transport.Client;

/// <summary>How a stream goes: drained first, so that nothing that is on its way is sent twice. Called by the connections' owner.</summary>
internal sealed partial class StreamSeat
{
    private static readonly TimeSpan FinishTimeout = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private Task _draining = Task.CompletedTask;
    private PieceStream? _drained;

    /// <summary>The peer wants to end the connection: the stream is drained, and its successor is opened like one after a cut.</summary>
    public void Replace() => BeginDrain(StreamEnd.Finished);

    /// <summary>The seat is not wanted any more. Ends with it.</summary>
    public async Task LeaveAsync()
    {
        await CancelOpeningAsync().ConfigureAwait(false);
        BeginDrain(StreamEnd.Asked);
        await Ended.ConfigureAwait(false);
    }

    /// <summary>Half-closes the stream, if there is one. All its pieces were answered or given up.</summary>
    public Task FinishAsync() => Volatile.Read(ref _stream)?.Stream.FinishAsync(StreamEnd.Asked) ?? Task.CompletedTask;

    private async Task CancelOpeningAsync()
    {
        try
        {
            await _leaving.CancelAsync().ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            // The seat had ended.
        }
    }

    private void BeginDrain(StreamEnd cause)
    {
        lock (_gate)
        {
            if (Volatile.Read(ref _stream) is { } stream && stream.Stream != _drained)
            {
                _drained = stream.Stream;
                _draining = Task.Run(() => DrainAsync(stream, cause), CancellationToken.None);
            }
        }
    }

    private async Task DrainAsync(OpenStream stream, StreamEnd cause)
    {
        await EndsWithinAsync(_link.Pool.DrainAsync(stream.Stream.Pooled), _link.Options.DrainTimeout).ConfigureAwait(false);
        await EndsWithinAsync(Task.WhenAll(stream.Stream.FinishAsync(cause), stream.Ended), FinishTimeout).ConfigureAwait(false);
        stream.Stream.Abort(cause);
    }

    private async Task EndsWithinAsync(Task task, TimeSpan limit)
    {
        using var over = new CancellationTokenSource();
        await Task.WhenAny(task, Task.Delay(limit, _link.Time, over.Token)).ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);
    }
}
