using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

/// <summary>A session as other threads see it: immutable, swapped whole at the end of a turn. Numbers that move are read from the storage.</summary>
internal sealed record SessionView
{
    public required TorrentSessionState State { get; init; }

    /// <summary>Whose torrent it is.</summary>
    public Guid Source { get; init; }

    /// <summary>Null while there is no record.</summary>
    public ITorrentStorage? Storage { get; init; }

    /// <summary>Why it failed or waits.</summary>
    public Refusal? Refusal { get; init; }

    /// <summary>The session ended; who holds it looks for its successor.</summary>
    public bool IsRetired { get; init; }

    /// <summary>Pieces held when the storage was opened or recovered.</summary>
    public int HeldAtFirst { get; init; }

    public DateTimeOffset? ArrivedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    public ulong Epoch => Storage?.Epoch ?? 0;

    public int NeededPieces => Storage?.Layout.SelectedPieceCount ?? 0;

    public int HeldPieces => Storage?.HeldPieces ?? 0;

    public bool HoldsAll => Storage is not null && HeldPieces == NeededPieces;

    /// <summary>Whether the source has nothing left to send: what is not held will come from local content.</summary>
    public bool NeedsNothing => Storage?.LackedPieces() == 0;
}
