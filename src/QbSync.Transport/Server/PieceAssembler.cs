using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Server;

/// <summary>
/// Gives the chunks of one stream's transfers to the intake. Called by one worker at a time for each lane, never by a socket's thread, since the intake
/// does file I/O.
/// </summary>
internal sealed class PieceAssembler(IPieceIntake intake, Caller caller, AckWriter acks, TransportMetrics metrics)
{
    /// <summary>Gives up what the intake holds open for an attempt.</summary>
    public static void GiveUp(PieceAttempt attempt)
    {
        if (attempt.Target is { } target)
        {
            attempt.Target = null;
            attempt.Lane.Open--;
            target.Dispose();
        }
    }

    /// <summary>Takes a chunk; what is wrong with it, if something is: the stream then has to end.</summary>
    public string? Process(FrameQueue queue, PieceAttempt attempt, IncomingFrame chunk)
    {
        if (attempt.IsEnded)
        {
            return null; // whoever ended it sees to what is open
        }

        if (chunk.Piece is { } piece)
        {
            var answer = intake.Begin(caller, piece, chunk.Epoch, out var begun);
            if (answer != PieceAckStatus.Pending)
            {
                begun?.Dispose();
                return Answer(queue, attempt, answer);
            }

            attempt.Target = begun ?? throw new InvalidOperationException("The intake wants a piece and gave nothing to write it to.");
            if (++attempt.Lane.Open > SyncLimits.MaxOpenTransfers)
            {
                return $"more than {SyncLimits.MaxOpenTransfers} open transfers";
            }
        }

        var status = attempt.Target!.Write(chunk.Offset, chunk.Data);
        if (status == PieceAckStatus.Pending)
        {
            return null;
        }

        GiveUp(attempt);
        return Answer(queue, attempt, status, isVerdict: status is PieceAckStatus.Accepted or PieceAckStatus.Held or PieceAckStatus.HashMismatch);
    }

    /// <summary>Where a piece's last chunk ends, if anybody knows.</summary>
    public int? GetEnd(PieceRef piece) => intake.GetEnd(piece);

    /// <param name="isVerdict">It is a verdict on a whole piece.</param>
    private string? Answer(FrameQueue queue, PieceAttempt attempt, PieceAckStatus status, bool isVerdict = false)
    {
        if (!queue.TryEnd(attempt, isVerdict ? null : GetEnd(attempt.Piece), out var isWhole))
        {
            return null;
        }

        if (status == PieceAckStatus.Held)
        {
            metrics.PieceDuplicated(); // before the answer leaves, so that who has the answer finds it counted
        }

        acks.Answer(attempt.Number, status, isWhole: isVerdict || isWhole);
        return status == PieceAckStatus.Malformed ? $"transfer {attempt.Number} is impossible for its torrent" : null;
    }
}
