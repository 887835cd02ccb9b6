using System.Collections.Concurrent;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>Keeps what a link reports.</summary>
internal sealed class RecordingSink : IPieceLinkSink
{
    public ConcurrentQueue<PieceAck> Acks { get; } = [];

    public ConcurrentQueue<(PieceRef Piece, long Attempt, PieceLossCause Cause)> Losses { get; } = [];

    public ConcurrentQueue<bool> Changes { get; } = [];

    /// <summary>Runs in each ack, before it is kept.</summary>
    public Action<PieceAck> OnAcked { get; set; } = static _ => { };

    public IEnumerable<int> Held => Acks.Where(ack => ack.Status.IsSuccess()).Select(ack => ack.Piece.Index);

    public void OnAck(in PieceAck ack)
    {
        Acks.Enqueue(ack);
        OnAcked(ack);
    }

    public void OnLost(PieceRef piece, long attempt, PieceLossCause cause) => Losses.Enqueue((piece, attempt, cause));

    public void OnLinkChanged(bool connected) => Changes.Enqueue(connected);
}
