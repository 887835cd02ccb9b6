using QbSync.Engine.Source.Tracking;
using QbSync.Engine.Status;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Phases;

/// <summary>Everything of a torrent that streaming and finalizing need, as it was at one look. Immutable.</summary>
/// <param name="Manifest">The manifest.</param>
/// <param name="Layout">Names, selection and folders in the client's words.</param>
/// <param name="Pieces">Geometry under the selection.</param>
/// <param name="Location">Where the reader looks.</param>
/// <param name="Place">Where it goes.</param>
/// <param name="Parameters">What the destination's client is told.</param>
internal sealed record TorrentContent(
    TorrentManifest Manifest, TorrentLayout Layout, PieceLayout Pieces, ContentLocation Location, Place Place, TorrentParameters Parameters)
{
    /// <summary>The <c>.torrent</c>, until the destination has it.</summary>
    public byte[]? Torrent { get; init; }

    /// <summary>Digest of the file table that the destination was told; empty when there was none.</summary>
    public ReadOnlyMemory<byte> FilesDigest { get; init; }

    public Selection Selection => Pieces.Selection;
}

/// <summary>What a look at a torrent gave.</summary>
internal abstract record ContentOutcome
{
    private ContentOutcome()
    {
    }

    /// <summary>All of it.</summary>
    public sealed record Ready(TorrentContent Content) : ContentOutcome;

    /// <summary>Not now.</summary>
    public sealed record NotReady(WaitingReason WaitingFor, FaultClass? Fault, string Text) : ContentOutcome;
}
