using System.Collections.Concurrent;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>Takes pieces in and keeps what it saw: each piece's bytes are checked against what <see cref="Client.TestSource"/> sends.</summary>
internal sealed class TestIntake(int pieceLength) : IPieceIntake
{
    private readonly ConcurrentDictionary<int, int> _completed = new();

    /// <summary>How often each piece came whole and right.</summary>
    public IReadOnlyDictionary<int, int> Completed => _completed;

    public ConcurrentQueue<PieceRef> Begun { get; } = [];

    /// <summary>Answers a piece before its chunks are taken.</summary>
    public Func<PieceRef, PieceAckStatus> OnBegin { get; set; } = static _ => PieceAckStatus.Pending;

    /// <summary>Answers a piece that is whole. May block: it runs where files are written.</summary>
    public Func<PieceRef, PieceAckStatus> OnWhole { get; set; } = static _ => PieceAckStatus.Accepted;

    /// <summary>Length of each piece.</summary>
    public Func<int, int> LengthOf { get; init; } = _ => pieceLength;

    public PieceAckStatus Begin(Caller caller, PieceRef piece, ulong epoch, out IPieceTransfer? transfer)
    {
        Begun.Enqueue(piece);
        var status = OnBegin(piece);
        transfer = status == PieceAckStatus.Pending ? new Transfer(this, piece) : null;
        return status;
    }

    private sealed class Transfer(TestIntake intake, PieceRef piece) : IPieceTransfer
    {
        private int _next;

        public PieceAckStatus Write(int offset, ReadOnlySpan<byte> data)
        {
            if (offset != _next)
            {
                return PieceAckStatus.Malformed;
            }

            for (var i = 0; i < data.Length; i++)
            {
                if (data[i] != Client.TestSource.ByteAt(piece.Index, offset + i))
                {
                    return PieceAckStatus.HashMismatch;
                }
            }

            _next += data.Length;
            if (_next < intake.LengthOf(piece.Index))
            {
                return PieceAckStatus.Pending;
            }

            var status = intake.OnWhole(piece);
            if (status.IsSuccess())
            {
                intake._completed.AddOrUpdate(piece.Index, 1, static (_, times) => times + 1);
            }

            return status;
        }

        public void Dispose()
        {
        }
    }
}
