using System.Text.Json;
using QbSync.Pieces;

namespace QbSync.QBittorrent.Json;

/// <summary>
/// An array of 0, 1 and 2, into the bitmap of the 2s. Any other length or element is refused as a whole. Byte by byte: a JSON reader's token a piece
/// would take ten times as long.
/// </summary>
internal sealed class PieceStatesParser(int pieceCount) : StreamParser<PieceBitmap>
{
    private readonly PieceBitmap _pieces = new(pieceCount);
    private Place _place;
    private int _index;

    private enum Place
    {
        BeforeList,
        FirstOrEnd,
        AfterPiece,
        BeforePiece,
        AfterList,
    }

    public override int Take(ReadOnlySpan<byte> bytes, bool areLast)
    {
        var i = 0;
        while (i < bytes.Length)
        {
            i = _place is Place.FirstOrEnd or Place.BeforePiece ? TakePieces(bytes, i) : i;
            if (i < bytes.Length && bytes[i++] is var other and not ((byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t'))
            {
                _place = Next(other);
            }
        }

        return areLast && _place != Place.AfterList ? throw new JsonException("Piece states end before they are whole.") : bytes.Length;
    }

    public override PieceBitmap Finish() => _index == pieceCount
        ? _pieces
        : throw new JsonException($"Piece states hold {_index} pieces instead of {pieceCount}.");

    // The form that clients write: a digit, a comma, and so on.
    private int TakePieces(ReadOnlySpan<byte> bytes, int i)
    {
        while (i + 1 < bytes.Length && bytes[i + 1] == (byte)',' && bytes[i] is >= (byte)'0' and <= (byte)'2' and var state && _index < pieceCount)
        {
            if (state == (byte)'2')
            {
                _pieces.Set(_index);
            }

            _index++;
            i += 2;
            _place = Place.BeforePiece;
        }

        return i;
    }

    private Place Next(byte one)
    {
        switch (_place, one)
        {
            case (Place.BeforeList, (byte)'['):
                return Place.FirstOrEnd;
            case (Place.AfterPiece, (byte)','):
                return Place.BeforePiece;
            case (Place.AfterPiece or Place.FirstOrEnd, (byte)']'):
                return Place.AfterList;
            case (Place.FirstOrEnd or Place.BeforePiece, >= (byte)'0' and <= (byte)'2') when _index < pieceCount:
                if (one == (byte)'2')
                {
                    _pieces.Set(_index);
                }

                _index++;
                return Place.AfterPiece;
            default:
                throw new JsonException($"Piece states hold more than {pieceCount} pieces, or something besides 0, 1 and 2.");
        }
    }
}
