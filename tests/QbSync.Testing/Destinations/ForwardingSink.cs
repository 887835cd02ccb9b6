using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Testing.Destinations;

/// <summary>Passes everything on to the source.</summary>
internal abstract class ForwardingSink(IPieceLinkSink sink) : IPieceLinkSink
{
    /// <summary>The source's own.</summary>
    protected IPieceLinkSink Sink => sink;

    public virtual void OnAck(in PieceAck ack) => sink.OnAck(ack);

    public virtual void OnLost(PieceRef piece, long attempt, PieceLossCause cause) => sink.OnLost(piece, attempt, cause);

    public void OnLinkChanged(bool connected) => sink.OnLinkChanged(connected);

    public void OnConnectFailed(TimeSpan elapsed) => sink.OnConnectFailed(elapsed);
}
