using QbSync.Pieces;

namespace QbSync.Engine.Source.Streaming;

/// <summary>A set of piece indices that gives its lowest one quickly. Not thread-safe.</summary>
internal sealed class ReadyPieces(int pieceCount)
{
    private readonly PieceBitmap _bits = new(pieceCount);
    private int _from;

    public int Count => _bits.Count;

    public void Add(int piece)
    {
        _bits.Set(piece);
        _from = Math.Min(_from, piece);
    }

    public bool Remove(int piece) => _bits.Clear(piece);

    public bool TryTakeLowest(out int piece)
    {
        piece = _bits.NextSet(_from);
        if (piece < 0)
        {
            _from = _bits.Length;
            return false;
        }

        _bits.Clear(piece);
        _from = piece + 1;
        return true;
    }
}
