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

    /// <summary>What the destination was told when it opened the torrent; null when it was not told by this process.</summary>
    public ToldContent? Told { get; init; }

    /// <summary>Digest of sizes and priorities in the client's list.</summary>
    public ReadOnlyMemory<byte> ClientFiles { get; init; }

    public Selection Selection => Pieces.Selection;
}

/// <summary>What of a torrent's content the destination was told.</summary>
/// <param name="Place">Where it goes.</param>
/// <param name="Layout">Names.</param>
/// <param name="FilesDigest">Digest of the file table; empty when there was none.</param>
internal sealed record ToldContent(Place Place, TorrentLayout Layout, ReadOnlyMemory<byte> FilesDigest)
{
    /// <summary>Whether another look gave the same place and the same names of all that is wanted.</summary>
    public bool IsSame(TorrentContent content)
    {
        var place = content.Place;
        return Place.Root == place.Root && Place.Layout == place.Layout && Place.SubPath.SequenceEqual(place.SubPath)
            && content.Manifest.Files.All(file => !content.Selection.IsSelected(file.Index)
                || Layout.FileNames[file.Index].SequenceEqual(content.Layout.FileNames[file.Index]));
    }
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
