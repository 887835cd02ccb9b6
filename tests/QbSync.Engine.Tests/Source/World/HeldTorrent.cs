using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>A torrent at the memory destination: every piece that it says it holds was hashed by it. Guarded by its destination.</summary>
internal sealed class HeldTorrent(TorrentManifest manifest, byte[] selection)
{
    public TorrentManifest Manifest { get; } = manifest;

    public byte[] Selection { get; set; } = selection;

    public PieceBitmap Have { get; set; } = new(manifest.PieceCount);

    public DestinationTorrentState State { get; set; } = DestinationTorrentState.Receiving;

    public ulong Epoch { get; set; } = 1;

    public ulong Losses { get; set; }

    public TorrentParameters? Parameters { get; set; }

    /// <summary>Whether its client there seeds it.</summary>
    public bool IsActive { get; set; }

    /// <summary>What its client there shows instead; null for the truth.</summary>
    public ClientTorrentState? ForcedState { get; set; }

    /// <summary>Whether the client there does not answer, so that nothing is known of it.</summary>
    public bool IsClientAway { get; set; }

    /// <summary>What a status tells as a reason.</summary>
    public Refusal? StatusRefusal { get; set; }

    /// <summary>What trackers make of its announce.</summary>
    public AnnounceState Announce { get; set; } = AnnounceState.Accepted;

    /// <summary>Whether it was there before us, so that only its user starts and stops it.</summary>
    public bool IsUsers { get; set; }

    /// <summary>Whether the source said that its own data is gone: from then on it is the user's.</summary>
    public bool IsClosed { get; set; }

    /// <summary>Tags that the source asked for.</summary>
    public HashSet<string> Tags { get; } = [];

    /// <summary>Where it was asked to go last.</summary>
    public Place? Place { get; set; }

    public PieceLayout Layout =>
        QbSync.Torrents.Selection.TryFromBytes(Manifest, Selection, out var selected)
            ? new PieceLayout(Manifest, selected!) : throw new InvalidOperationException("The selection was checked at Init.");
}
