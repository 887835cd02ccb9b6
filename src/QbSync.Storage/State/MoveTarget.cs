using QbSync.Ports;

namespace QbSync.Storage.State;

/// <summary>Where a torrent's files are being moved to.</summary>
/// <param name="Place">The folder.</param>
/// <param name="GetName">Final parts of a file below it, by its index.</param>
internal sealed record MoveTarget(Place Place, Func<int, IReadOnlyList<string>> GetName);
