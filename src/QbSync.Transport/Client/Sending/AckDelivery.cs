using System.Threading.Channels;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Transport.Client.Sending;

/// <summary>
/// Carries a stream's answers to the sink, so that the stream's ack loop never runs foreign code. Written by the ack loop, which completes it.
/// </summary>
internal sealed class AckDelivery(IPieceLinkSink sink, TimeProvider time, TimeSpan timeout, Action<Exception> onSinkFailed)
{
    private readonly Channel<PieceAck> _acks = Channel.CreateBounded<PieceAck>(new BoundedChannelOptions(4096)
    {
        SingleReader = true,
        SingleWriter = true,
        FullMode = BoundedChannelFullMode.Wait,
    }); // 4096: more pieces than a window of 16 MiB holds at 4 KiB; a sink that is so far behind is stuck

    /// <summary>Hands an answer over; false when the sink took none for the timeout.</summary>
    public ValueTask<bool> TryPostAsync(in PieceAck ack) => _acks.Writer.TryWrite(ack) ? new ValueTask<bool>(true) : WaitAsync(ack);

    /// <summary>No more answers come.</summary>
    public void Complete() => _acks.Writer.TryComplete();

    /// <summary>Runs until completed and empty. A sink that throws is told of once; what comes after it is still delivered.</summary>
    public async Task RunAsync()
    {
        await foreach (var ack in _acks.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            try
            {
                sink.OnAck(ack);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                onSinkFailed(e);
            }
        }
    }

    private async ValueTask<bool> WaitAsync(PieceAck ack)
    {
        using var expired = new CancellationTokenSource(timeout, time);
        try
        {
            await _acks.Writer.WriteAsync(ack, expired.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
