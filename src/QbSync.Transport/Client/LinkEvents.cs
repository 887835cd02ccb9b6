using Microsoft.Extensions.Logging;
using QbSync.Ports;
using QbSync.Transport.Client.Pooling;
using QbSync.Transport.Client.Sending;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Client;

/// <summary>
/// Tells the sink what happens to a link: never twice the same, in order, and never with a lock held. What the sink throws is logged. Thread-safe.
/// </summary>
internal sealed partial class LinkEvents(StreamPool pool, IPieceLinkSink sink, string address, ILogger logger)
{
    private readonly Lock _gate = new();
    private bool _isTelling;
    private bool _told;
    private bool _saidNotReached;
    private int _saidAnswersTakeLonger;

    /// <summary>Streams came or went.</summary>
    public void Refresh()
    {
        lock (_gate)
        {
            if (_isTelling)
            {
                return;
            }

            _isTelling = true;
        }

        while (TakeNews() is { } connected)
        {
            Tell(connected);
        }
    }

    /// <summary>A stream could not be opened. Told while there is no other; logged once for each time that the link is down.</summary>
    /// <param name="exception">Why.</param>
    /// <param name="elapsed">How long ago the attempt began.</param>
    public void NotReached(Exception exception, TimeSpan elapsed)
    {
        bool isFirst;
        lock (_gate)
        {
            if (pool.OpenStreams > 0)
            {
                return;
            }

            isFirst = !_saidNotReached;
            _saidNotReached = true;
        }

        if (isFirst)
        {
            Log.NotReached(logger, address, StatusMapping.Describe(exception));
        }

        if (!StatusMapping.IsFailureOfPeer(exception))
        {
            return;
        }

        try
        {
            sink.OnConnectFailed(elapsed);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Log.EventFailed(logger, e);
        }
    }

    /// <summary>The destination takes longer to answer than a piece may: it is waited for. Said once.</summary>
    public void AnswersTakeLonger(TimeSpan answers, TimeSpan pieceTimeout)
    {
        if (Interlocked.Exchange(ref _saidAnswersTakeLonger, 1) == 0)
        {
            Log.AnswersTakeLonger(logger, pieceTimeout.TotalSeconds, answers.TotalSeconds);
        }
    }

    /// <summary>An attempt will not be answered.</summary>
    public void Lost(in InFlightPiece piece, PieceLossCause cause)
    {
        try
        {
            sink.OnLost(piece.Piece, piece.Attempt, cause);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Log.EventFailed(logger, e);
        }
    }

    private bool? TakeNews()
    {
        lock (_gate)
        {
            var connected = pool.OpenStreams > 0;
            if (connected == _told)
            {
                _isTelling = false;
                return null;
            }

            _told = connected;
            _saidNotReached &= !connected;
            return connected;
        }
    }

    private void Tell(bool connected)
    {
        if (connected)
        {
            Log.LinkConnected(logger);
        }
        else
        {
            Log.LinkDisconnected(logger);
        }

        try
        {
            sink.OnLinkChanged(connected);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Log.EventFailed(logger, e);
        }
    }
}
