using QbSync.Torrents;

namespace QbSync.Ports;

/// <summary>What a client is and can do, as learnt when it let us in.</summary>
public sealed record ClientDescription
{
    /// <summary>For people: <c>qBittorrent 5.1.0</c>.</summary>
    public required string Product { get; init; }

    /// <summary>Version of the client, as in <c>5.1.0</c>; empty when it has none.</summary>
    public string Version { get; init; } = "";

    /// <summary>Version of its interface, as in <c>2.11.4</c>; empty when it has none.</summary>
    public string ApiVersion { get; init; } = "";

    /// <summary>Version of the library that it is built on, as in <c>2.0.11.0</c>; empty when it has none.</summary>
    public string LibraryVersion { get; init; } = "";

    /// <summary>What it can do.</summary>
    public ClientCapabilities Capabilities { get; init; } = new();

    /// <summary>Where it saves by default, as the client sees it; empty when it has none.</summary>
    public string DefaultSavePath { get; init; } = "";

    /// <summary>Where it keeps incomplete files, as the client sees it; null when it does not.</summary>
    public string? TempPath { get; init; }

    /// <summary>How often it refreshes what it tells; answers may be this old.</summary>
    public TimeSpan Tick { get; init; }

    /// <summary>Settings that a person should know of.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Rises when version or default paths differ from before, or the client was away.</summary>
    public int Epoch { get; init; }
}

/// <summary>What a client can do. The defaults are those of a client that can do everything.</summary>
public sealed record ClientCapabilities
{
    /// <summary>Whether it reads libtorrent's <c>.parts</c> file.</summary>
    public bool ReadsPartFiles { get; init; } = true;

    /// <summary>Whether <see cref="ITorrentClient.RenameFileAsync"/> works.</summary>
    public bool RenamesFiles { get; init; } = true;

    /// <summary>Whether <see cref="ITorrentClient.GetManifestAsync"/> works.</summary>
    public bool ExportsManifests { get; init; } = true;

    /// <summary>Whether it gives a torrent that has no folder of its own one when <see cref="ContentLayout.Subfolder"/> is asked for.</summary>
    public bool AddsFolders { get; init; } = true;

    /// <summary>Whether it tells both hashes of a hybrid torrent; one that does not knows it by v1.</summary>
    public bool TellsBothHashes { get; init; } = true;

    /// <summary>Whether it holds torrents that have a v2 hash alone.</summary>
    public bool HoldsV2Torrents { get; init; } = true;

    /// <summary>Whether an added torrent stays at its save path for good. If not, it may be moved to <see cref="ClientDescription.TempPath"/>.</summary>
    public bool StaysAtSavePath { get; init; } = true;

    /// <summary>Whether it has <see cref="ShareLimits.InactiveMinutes"/>.</summary>
    public bool LimitsInactivity { get; init; } = true;

    /// <summary>Whether a delete without files leaves what there is of files that are not selected where it is.</summary>
    public bool KeepsUnselectedFiles { get; init; } = true;

    /// <summary>Whether it tells a tracker's refusal from a tracker that is away.</summary>
    public bool TellsRefusedAnnounces { get; init; } = true;
}
