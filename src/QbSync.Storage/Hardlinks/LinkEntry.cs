using QbSync.Storage.State;

namespace QbSync.Storage.Hardlinks;

/// <summary>A verified file of ours under its final name.</summary>
/// <param name="Path">Its parts below the root.</param>
/// <param name="Record">What it was when it got its name.</param>
internal sealed record LinkEntry(IReadOnlyList<string> Path, FileRecord Record);
