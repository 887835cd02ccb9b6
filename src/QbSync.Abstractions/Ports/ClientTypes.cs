using System.Collections.Frozen;
using QbSync.Torrents;

namespace QbSync.Ports;

/// <summary>A client's own handle of a torrent. Opaque: never compared with an info hash, since versions of a client differ in it.</summary>
public readonly record struct ClientTorrentId(string Value)
{
    /// <summary>The handle.</summary>
    public override string ToString() => Value;
}

/// <summary>What a client says a torrent is doing. Names follow qBittorrent's state words; <c>Stopped</c> is also <c>paused</c>.</summary>
public enum ClientTorrentState
{
    /// <summary>A word that this build does not know.</summary>
    Unknown = 0,

    /// <summary>Seeding, bytes flow.</summary>
    Uploading = 1,

    /// <summary>Seeding, nobody asks.</summary>
    StalledUp = 2,

    /// <summary>Seeding by force.</summary>
    ForcedUp = 3,

    /// <summary>Complete, queued for seeding.</summary>
    QueuedUp = 4,

    /// <summary>Complete and stopped.</summary>
    StoppedUp = 5,

    /// <summary>Downloading, bytes flow.</summary>
    Downloading = 6,

    /// <summary>Downloading, no bytes come.</summary>
    StalledDl = 7,

    /// <summary>Downloading by force.</summary>
    ForcedDl = 8,

    /// <summary>Incomplete, queued.</summary>
    QueuedDl = 9,

    /// <summary>Incomplete and stopped.</summary>
    StoppedDl = 10,

    /// <summary>Fetching metadata.</summary>
    MetaDl = 11,

    /// <summary>Fetching metadata by force.</summary>
    ForcedMetaDl = 12,

    /// <summary>Reserving space.</summary>
    Allocating = 13,

    /// <summary>Checking a complete torrent.</summary>
    CheckingUp = 14,

    /// <summary>Checking an incomplete torrent.</summary>
    CheckingDl = 15,

    /// <summary>Reading its own records; progress means nothing yet.</summary>
    CheckingResumeData = 16,

    /// <summary>Moving files.</summary>
    Moving = 17,

    /// <summary>Files are gone.</summary>
    MissingFiles = 18,

    /// <summary>In error.</summary>
    Error = 19,
}

/// <summary>Which side of a swarm a torrent is on.</summary>
public enum TorrentSide
{
    /// <summary>Neither, or not known.</summary>
    None = 0,

    /// <summary>Has all that is selected.</summary>
    Seeding = 1,

    /// <summary>Lacks something.</summary>
    Downloading = 2,
}

/// <summary>Sorts client states.</summary>
public static class ClientTorrentStates
{
    /// <summary>The side of a state.</summary>
    public static TorrentSide GetSide(this ClientTorrentState state) => state switch
    {
        ClientTorrentState.Uploading or ClientTorrentState.StalledUp or ClientTorrentState.ForcedUp or ClientTorrentState.QueuedUp
            or ClientTorrentState.StoppedUp => TorrentSide.Seeding,
        ClientTorrentState.Downloading or ClientTorrentState.StalledDl or ClientTorrentState.ForcedDl or ClientTorrentState.QueuedDl
            or ClientTorrentState.StoppedDl or ClientTorrentState.MetaDl or ClientTorrentState.ForcedMetaDl
            or ClientTorrentState.Allocating => TorrentSide.Downloading,
        ClientTorrentState.Unknown or ClientTorrentState.CheckingUp or ClientTorrentState.CheckingDl or ClientTorrentState.CheckingResumeData
            or ClientTorrentState.Moving or ClientTorrentState.MissingFiles or ClientTorrentState.Error => TorrentSide.None,
    };

    /// <summary>Whether it is stopped.</summary>
    public static bool IsStopped(this ClientTorrentState state) => state is ClientTorrentState.StoppedUp or ClientTorrentState.StoppedDl;

    /// <summary>Whether it is checking.</summary>
    public static bool IsChecking(this ClientTorrentState state) =>
        state is ClientTorrentState.CheckingUp or ClientTorrentState.CheckingDl or ClientTorrentState.CheckingResumeData;

    /// <summary>Whether it takes part in the swarm.</summary>
    public static bool IsActive(this ClientTorrentState state) =>
        state.GetSide() != TorrentSide.None && !state.IsStopped() && state is not (ClientTorrentState.QueuedUp or ClientTorrentState.QueuedDl);
}

/// <summary>A file of a client's list. Clients differ in whether they list pad files, so indices are the client's own.</summary>
/// <param name="Index">The client's index, used to select.</param>
/// <param name="Path">Relative to the save path, <c>/</c> between parts, as the client shows it.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Selected">Priority above 0.</param>
/// <param name="Progress">0 to 1.</param>
public sealed record ClientFile(int Index, string Path, long Size, bool Selected, double Progress);

/// <summary>How a poll's answer relates to the one before.</summary>
public enum ClientUpdateKind
{
    /// <summary>Every torrent of the client: what is not in it is not there, for whatever reason.</summary>
    Full = 0,

    /// <summary>Follows its predecessor without a gap; what is removed is named.</summary>
    Delta = 1,

    /// <summary>Only the watched torrents are fresh; nothing follows for the others.</summary>
    Watched = 2,
}

/// <summary>An immutable picture of a client's torrents.</summary>
/// <param name="Sequence">Rises by each poll.</param>
/// <param name="Kind">Relation to the one before.</param>
/// <param name="Torrents">Every torrent known now, whatever the kind.</param>
/// <param name="Removed">Named as removed by the client, in this answer.</param>
/// <param name="FreeBytes">Free space at the default save path as the client has it; null when unknown.</param>
/// <param name="AskedAt">When it was asked for.</param>
public sealed record ClientUpdate(
    long Sequence,
    ClientUpdateKind Kind,
    IReadOnlyList<TorrentStatus> Torrents,
    IReadOnlyList<ClientTorrentId> Removed,
    long? FreeBytes,
    DateTimeOffset AskedAt)
{
    /// <summary>The client's categories by name, as far as they were told; a category that is not among them may exist all the same.</summary>
    public IReadOnlySet<string> Categories { get; init; } = FrozenSet<string>.Empty;

    /// <summary>
    /// <see cref="ClientDescription.Epoch"/> of the client that answered. When it differs from the update before, whatever was derived from the
    /// client's version or paths is to be derived anew.
    /// </summary>
    public int Epoch { get; init; }
}

/// <summary>A torrent to add.</summary>
public sealed record AddTorrentRequest
{
    /// <summary>The <c>.torrent</c>.</summary>
    public required ReadOnlyMemory<byte> Torrent { get; init; }

    /// <summary>Where its names start, as the client sees it. Absolute, no white space at the ends.</summary>
    public required string SavePath { get; init; }

    /// <summary>How its files lie below that.</summary>
    public ContentLayout Layout { get; init; }

    /// <summary>Empty for none.</summary>
    public string Category { get; init; } = "";

    /// <summary>Tags to set.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Take the content as verified, without a check. Never without every selected byte in place.</summary>
    public bool SkipCheck { get; init; }
}

/// <summary>How an add was answered.</summary>
public enum AddTorrentOutcome
{
    /// <summary>The client says that it took it.</summary>
    Taken = 0,

    /// <summary>Present, refused or on its way: a look decides.</summary>
    Unclear = 1,

    /// <summary>This client cannot hold such a torrent.</summary>
    Refused = 2,
}
