using QbSync.Pieces;

namespace QbSync.Storage.Pieces;

/// <summary>Pieces that were read back and are not in the journal yet. Not thread-safe.</summary>
internal sealed class VerifiedPieces(int pieces)
{
    /// <summary>Those that hash.</summary>
    public PieceBitmap Good { get; } = new(pieces);

    /// <summary>Those that do not, or could not be read whole.</summary>
    public PieceBitmap Bad { get; } = new(pieces);

    /// <summary>Pieces that were lost, or came in doubt, since their reading began: what was read of them is not what there is. Guarded by the torrent.</summary>
    public PieceBitmap Changed { get; } = new(pieces);

    /// <summary>Takes a verdict.</summary>
    public void Add(int piece, PieceVerdict verdict) => (verdict == PieceVerdict.Good ? Good : Bad).Set(piece);

    /// <summary>Forgets pieces outside a set.</summary>
    public void Keep(PieceBitmap only)
    {
        var others = only.Clone();
        others.SetComplement();
        Drop(others);
    }

    /// <summary>Forgets the pieces of a set: what was read of them is not what there is now.</summary>
    public void Drop(PieceBitmap changed)
    {
        Good.Except(changed);
        Bad.Except(changed);
    }

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        Good.Except(Good);
        Bad.Except(Bad);
    }
}
