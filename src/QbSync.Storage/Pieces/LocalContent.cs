using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

/// <summary>What is known of the content that lies where a file would go.</summary>
internal enum LocalKind
{
    /// <summary>A file that may be it, by name and size: to be hashed.</summary>
    Candidate = 0,

    /// <summary>Another torrent brings it, or is about to; or nothing was looked at yet.</summary>
    Waiting = 1,

    /// <summary>A file that is not ours and not it: a person has to move it away.</summary>
    Conflict = 2,
}

/// <summary>Local content of one file that is not decided yet. Immutable.</summary>
/// <param name="Kind">What is known.</param>
/// <param name="Name">Name in its folder; empty for none.</param>
/// <param name="Record">What it will be when it serves, or what was found in the way.</param>
internal sealed record LocalContent(LocalKind Kind, string Name, FileRecord Record)
{
    /// <summary>Nothing to look at before others have done their part.</summary>
    public static LocalContent Waiting { get; } = new(LocalKind.Waiting, "", FileRecord.None);
}
