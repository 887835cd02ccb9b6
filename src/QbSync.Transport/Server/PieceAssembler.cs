using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Server;

/// <summary>
/// The transfers of one stream: gives their chunks to the intake in the order of the stream. Not thread-safe: one worker at a time runs it, never a
/// socket's thread, since the intake does file I/O.
/// </summary>
internal sealed class PieceAssembler(IPieceIntake intake, Caller caller, AckWriter acks, TransportMetrics metrics)
{
    private readonly Dictionary<ulong, IPieceTransfer> _open = [];
    private ulong _last;

    /// <summary>Takes a frame; what is wrong with it, if something is: the stream then has to end.</summary>
    public string? Process(IncomingFrame frame)
    {
        if (frame.Kind == IncomingKind.Chunk)
        {
            return ProcessChunk(frame);
        }

        if (frame.Message is { FrameCase: SourceFrame.FrameOneofCase.Cancel } message)
        {
            Cancel(message.Cancel.Transfer);
        }

        return null;
    }

    /// <summary>Gives up what is open.</summary>
    public void Abandon()
    {
        foreach (var transfer in _open.Values)
        {
            transfer.Dispose();
        }

        _open.Clear();
    }

    private string? ProcessChunk(IncomingFrame chunk)
    {
        if (chunk.Piece is not null && Begin(chunk) is { } error)
        {
            return error;
        }

        if (chunk.Transfer > _last)
        {
            return $"a chunk of transfer {chunk.Transfer}, which was not begun";
        }

        // A transfer that is not open was answered or cancelled: the rest of its chunks is dropped.
        if (!_open.TryGetValue(chunk.Transfer, out var transfer))
        {
            return null;
        }

        var status = transfer.Write(chunk.Offset, chunk.Data);
        if (status == PieceAckStatus.Pending)
        {
            return null;
        }

        _open.Remove(chunk.Transfer);
        transfer.Dispose();
        if (status is PieceAckStatus.Accepted or PieceAckStatus.Held or PieceAckStatus.HashMismatch)
        {
            metrics.PieceReceived();
        }

        return Answer(chunk.Transfer, status);
    }

    private string? Begin(IncomingFrame chunk)
    {
        if (chunk.Transfer <= _last)
        {
            return $"transfer {chunk.Transfer} begins after {_last}";
        }

        _last = chunk.Transfer;
        var status = intake.Begin(caller, chunk.Piece!.Value, chunk.Epoch, out var transfer);
        if (status != PieceAckStatus.Pending)
        {
            transfer?.Dispose();
            return Answer(chunk.Transfer, status);
        }

        if (transfer is null)
        {
            throw new InvalidOperationException("The intake wants a piece and gave nothing to write it to.");
        }

        _open.Add(chunk.Transfer, transfer);
        return _open.Count > SyncLimits.MaxOpenTransfers ? $"more than {SyncLimits.MaxOpenTransfers} open transfers" : null;
    }

    private string? Answer(ulong transfer, PieceAckStatus status)
    {
        acks.Answer(transfer, status);
        return status == PieceAckStatus.Malformed ? $"transfer {transfer} is impossible for its torrent" : null;
    }

    private void Cancel(ulong number)
    {
        if (_open.Remove(number, out var transfer))
        {
            transfer.Dispose();
        }
    }
}
