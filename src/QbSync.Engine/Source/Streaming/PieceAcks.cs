using System.Collections.Concurrent;
using QbSync.Engine.Shared;
using QbSync.Engine.Source.Peers;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Streaming;

/// <summary>
/// Takes the link's reports to the piece tables, past the loop: with small pieces there are tens of thousands a second. Only edges go on to the loop, by
/// <paramref name="onEdge"/>, which must not block. Thread-safe.
/// </summary>
internal sealed class PieceAcks(
    MonotonicClock clock, CapacityHold capacity, AsyncPulse pulse, Action<InfoHash> onEdge, Action<bool> onLink, PeerWatcher peer) : IPieceLinkSink
{
    private readonly ConcurrentDictionary<InfoHash, PieceStream> _streams = new();

    /// <summary>Payload that the destination acknowledged.</summary>
    public RateMeter Rate { get; } = new();

    public void Add(PieceStream stream) => _streams[stream.Id] = stream;

    public void Remove(PieceStream stream) => _streams.TryRemove(new KeyValuePair<InfoHash, PieceStream>(stream.Id, stream));

    public void OnAck(in PieceAck ack)
    {
        peer.Acknowledged();
        if (!_streams.TryGetValue(ack.Piece.Torrent, out var stream))
        {
            return;
        }

        if ((uint)ack.Piece.Index >= (uint)stream.Table.PieceCount)
        {
            // Whoever answers so has another torrent in mind: nothing more goes there before both agree anew on what it is.
            stream.VoidGrant();
            Raise(stream, SyncEdges.Breach);
            return;
        }

        if (ack.Status.IsSuccess())
        {
            Accept(stream, ack);
        }
        else
        {
            Nack(stream, ack);
            pulse.Pulse();
        }
    }

    public void OnLost(PieceRef piece, long attempt, PieceLossCause cause)
    {
        if (_streams.TryGetValue(piece.Torrent, out var stream) && (uint)piece.Index < (uint)stream.Table.PieceCount)
        {
            stream.Table.Return(piece.Index, attempt);
            capacity.TryEnded();
            pulse.Pulse();
        }
    }

    public void OnLinkChanged(bool connected)
    {
        peer.LinkChanged(connected);
        onLink(connected);
    }

    public void OnConnectFailed(TimeSpan elapsed) => peer.Failed(clock.Now - elapsed);

    /// <summary>Notes something for the loop about a torrent.</summary>
    public void Raise(PieceStream stream, SyncEdges edge)
    {
        if (stream.Raise(edge))
        {
            onEdge(stream.Id);
        }
    }

    private void Accept(PieceStream stream, in PieceAck ack)
    {
        var now = clock.Now;
        var effect = stream.Table.Accept(ack.Piece.Index, ack.Attempt);
        if (effect == AckEffect.None)
        {
            return;
        }

        Rate.Add(now, stream.Layout.Manifest.GetPieceLength(ack.Piece.Index));
        stream.EndPauses(now);
        if (capacity.IsFull)
        {
            capacity.Taken(now);
            pulse.Pulse();
        }

        if (effect == AckEffect.AllAcknowledged)
        {
            Raise(stream, SyncEdges.AllAcknowledged);
        }
    }

    private void Nack(PieceStream stream, in PieceAck ack)
    {
        var now = clock.Now;
        var piece = ack.Piece.Index;
        var table = stream.Table;
        if (ack.Status != PieceAckStatus.NoSpace)
        {
            capacity.TryEnded();
        }

        switch (ack.Status)
        {
            case PieceAckStatus.HashMismatch:
                if (table.Reject(piece, ack.Attempt, now))
                {
                    Raise(stream, SyncEdges.PieceRejected);
                }

                break;
            case PieceAckStatus.NotOpen or PieceAckStatus.StaleEpoch:
                Stop(stream, ack, SyncEdges.Reopen);
                break;
            case PieceAckStatus.Finalizing:
                Stop(stream, ack, SyncEdges.FinalizingThere);
                break;
            case PieceAckStatus.TorrentInconsistent:
                Stop(stream, ack, SyncEdges.Inconsistent);
                break;
            case PieceAckStatus.NoSpace:
                capacity.Refused(now, ack.RetryAfter);
                table.Nack(piece, ack.Attempt);
                break;
            case PieceAckStatus.ClaimLost or PieceAckStatus.FileLost:
                table.NackUntil(piece, ack.Attempt, now + TimeSpan.FromSeconds(1));
                break;
            case PieceAckStatus.Malformed:
                if (table.NackUntil(piece, ack.Attempt, now + TimeSpan.FromSeconds(5)) && stream.CountMalformed(now))
                {
                    Raise(stream, SyncEdges.Malformed);
                }

                break;
            default:
                stream.Pause(now, ack.RetryAfter);
                table.Nack(piece, ack.Attempt);
                break;
        }
    }

    /// <summary>
    /// The destination takes no piece of this grant any more: nothing more is sent, before the loop hears of it, so that a thousand such nacks cost one Init.
    /// </summary>
    private void Stop(PieceStream stream, in PieceAck ack, SyncEdges edge)
    {
        if (stream.Table.Nack(ack.Piece.Index, ack.Attempt) && stream.Grant is { } grant && ack.Attempt >= grant.FirstAttempt)
        {
            grant.Void();
            Raise(stream, edge);
        }
    }
}
