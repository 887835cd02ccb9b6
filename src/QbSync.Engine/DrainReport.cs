using QbSync.Torrents;

namespace QbSync.Engine;

/// <summary>How a drain went.</summary>
/// <param name="HandedOff">Torrents that the destination has now, and the source no more.</param>
/// <param name="Left">What is still here.</param>
public sealed record DrainReport(int HandedOff, IReadOnlyList<DrainLeft> Left);

/// <summary>A torrent that a drain left where it is.</summary>
/// <param name="Id">The torrent.</param>
/// <param name="Name">Its name.</param>
/// <param name="Reason">Why, for people.</param>
public sealed record DrainLeft(InfoHash Id, string Name, string Reason);
