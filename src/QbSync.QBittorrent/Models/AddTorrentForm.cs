using QbSync.Torrents;

namespace QbSync.QBittorrent.Models;

/// <summary>What <c>torrents/add</c> is told. Always stopped, without automatic management, without a download path of its own.</summary>
public sealed record AddTorrentForm
{
    /// <summary>The <c>.torrent</c>.</summary>
    public required ReadOnlyMemory<byte> Torrent { get; init; }

    /// <summary>Its name in the form; equal names overwrite each other at the server, so it is made of the id.</summary>
    public required string FileName { get; init; }

    /// <summary>Absolute path.</summary>
    public required string SavePath { get; init; }

    /// <summary>Empty for none.</summary>
    public string Category { get; init; } = "";

    /// <summary>Tags.</summary>
    public IReadOnlyCollection<string> Tags { get; init; } = [];

    /// <summary>How the files lie below the save path.</summary>
    public ContentLayout Layout { get; init; }

    /// <summary>Take the content as verified.</summary>
    public bool SkipCheck { get; init; }
}
