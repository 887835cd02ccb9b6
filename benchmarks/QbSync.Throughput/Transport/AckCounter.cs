using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Throughput.Transport;

/// <summary>Waits until all pieces are acknowledged; anything else that becomes of one ends the run.</summary>
internal sealed class AckCounter : IPieceLinkSink
{
    private TaskCompletionSource _done = new();
    private int _left;

    public Task Expect(int pieces)
    {
        _done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _left, pieces);
        return _done.Task;
    }

    public void OnAck(in PieceAck ack)
    {
        if (!ack.Status.IsSuccess())
        {
            _done.TrySetException(new IOException($"Piece {ack.Piece.Index}: {ack.Status}."));
        }
        else if (Interlocked.Decrement(ref _left) == 0)
        {
            _done.TrySetResult();
        }
    }

    public void OnLost(PieceRef piece, long attempt, PieceLossCause cause) => _done.TrySetException(new IOException($"Piece {piece.Index} was lost: {cause}."));

    public void OnLinkChanged(bool connected)
    {
    }
}
