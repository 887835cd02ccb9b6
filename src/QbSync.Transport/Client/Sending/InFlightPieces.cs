using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace QbSync.Transport.Client.Sending;

/// <summary>
/// The attempts of one stream by transfer number: at most one being handed over, the others whole and waiting for their answer. Remembers the last ones that
/// ended here, to know a late answer. Times are passed in. Not thread-safe: the pool's gate guards it.
/// </summary>
internal sealed class InFlightPieces
{
    private const int Remembered = 4096;

    private readonly Dictionary<ulong, InFlightPiece> _pieces = [];
    private readonly Queue<ulong> _notReceived = [];
    private readonly Dictionary<ulong, InFlightPiece> _ended = [];
    private readonly Queue<ulong> _endedInOrder = [];
    private ulong _last;

    public int Count => _pieces.Count;

    /// <summary>What became of the attempt that began last.</summary>
    public SendingFate Fate { get; private set; }

    /// <summary>Begins an attempt with its first chunk and gives its transfer number.</summary>
    public ulong Begin(Ports.IChunkSource source, TimeSpan now)
    {
        Fate = SendingFate.Open;
        _pieces.Add(++_last, new InFlightPiece { Piece = source.Piece, Attempt = source.Attempt, ProgressAt = now });
        return _last;
    }

    /// <summary>A chunk is handed over, or was taken.</summary>
    public void OnChunk(ulong transfer, int bytes, TimeSpan now)
    {
        ref var piece = ref CollectionsMarshal.GetValueRefOrNullRef(_pieces, transfer);
        if (!Unsafe.IsNullRef(ref piece))
        {
            piece.Bytes += bytes;
            piece.ProgressAt = now;
        }
    }

    /// <summary>The last chunk was taken; false when the attempt is no longer in flight.</summary>
    public bool OnWhole(ulong transfer, long end, TimeSpan now)
    {
        ref var piece = ref CollectionsMarshal.GetValueRefOrNullRef(_pieces, transfer);
        if (Unsafe.IsNullRef(ref piece))
        {
            return false;
        }

        piece.IsWhole = true;
        piece.WholeAt = now;
        piece.End = end;
        _notReceived.Enqueue(transfer);
        return true;
    }

    /// <summary>The destination has taken <paramref name="received"/> off the stream: what waits for that moved.</summary>
    public void OnReceived(long received, TimeSpan now)
    {
        while (_notReceived.TryPeek(out var transfer))
        {
            ref var piece = ref CollectionsMarshal.GetValueRefOrNullRef(_pieces, transfer);
            if (!Unsafe.IsNullRef(ref piece))
            {
                piece.ProgressAt = now;
                if (piece.End > received)
                {
                    return;
                }
            }

            _notReceived.Dequeue();
        }
    }

    /// <summary>Takes an attempt out because it was answered.</summary>
    public AnswerKind Answer(ulong transfer, out InFlightPiece piece)
    {
        if (_pieces.Remove(transfer, out piece))
        {
            if (transfer == _last && !piece.IsWhole)
            {
                Fate = SendingFate.Answered;
            }

            return AnswerKind.InFlight;
        }

        if (_ended.Remove(transfer, out piece))
        {
            return AnswerKind.Late;
        }

        return transfer == 0 || transfer > _last ? AnswerKind.Impossible : AnswerKind.Unknown;
    }

    /// <summary>Takes an attempt out that ended without an answer; a later one is late.</summary>
    public bool Give(ulong transfer, out InFlightPiece piece)
    {
        if (!_pieces.Remove(transfer, out piece))
        {
            return false;
        }

        _ended[transfer] = piece;
        _endedInOrder.Enqueue(transfer);
        if (_endedInOrder.Count > Remembered)
        {
            _ended.Remove(_endedInOrder.Dequeue());
        }

        return true;
    }

    /// <summary>
    /// Takes out what was handed over whole and has not moved since <paramref name="since"/>. A piece that is still being handed over is the send timeout's.
    /// </summary>
    public void GiveStale(TimeSpan since, TimeSpan streamMovedAt, List<InFlightPiece> stale)
    {
        List<ulong>? transfers = null;
        foreach (var (transfer, piece) in _pieces)
        {
            // Bytes in front of it that move are progress as long as its own have not arrived.
            var isArriving = _notReceived.Count > 0 && _notReceived.Peek() <= transfer;
            var movedAt = isArriving && streamMovedAt > piece.ProgressAt ? streamMovedAt : piece.ProgressAt;
            if (piece.IsWhole && movedAt <= since)
            {
                (transfers ??= []).Add(transfer);
            }
        }

        foreach (var transfer in transfers ?? [])
        {
            Give(transfer, out var piece);
            stale.Add(piece);
        }
    }

    /// <summary>Nothing is waited for any more: takes all out. The stream goes on, and an answer that still comes is late.</summary>
    public void GiveUnanswered(List<InFlightPiece> all)
    {
        if (_pieces.TryGetValue(_last, out var last) && !last.IsWhole)
        {
            Fate = SendingFate.Lost;
        }

        foreach (var transfer in _pieces.Keys.ToArray())
        {
            Give(transfer, out var piece);
            all.Add(piece);
        }
    }

    /// <summary>The stream ended: takes all out.</summary>
    public void GiveAll(List<InFlightPiece> all)
    {
        all.AddRange(_pieces.Values);
        if (_pieces.TryGetValue(_last, out var last) && !last.IsWhole)
        {
            Fate = SendingFate.Lost;
        }

        _pieces.Clear();
        _notReceived.Clear();
    }
}
