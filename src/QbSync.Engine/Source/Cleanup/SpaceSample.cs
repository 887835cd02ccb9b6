using QbSync.Ports;

namespace QbSync.Engine.Source.Cleanup;

/// <summary>One look at the free space of all roots.</summary>
/// <param name="Roots">Per mapped local folder what its file system says; null when it says nothing, or the folder is not there.</param>
/// <param name="DefaultRoot">The folder in which the client saves by default, if it is mapped.</param>
/// <param name="Client">The client's own figure for that folder.</param>
internal sealed record SpaceSample(IReadOnlyDictionary<string, LocalFileSystem?> Roots, string? DefaultRoot, ClientSpace? Client);

/// <summary>Free space as a client tells it.</summary>
/// <param name="FreeBytes">As told; 0 and less is no figure.</param>
/// <param name="At">When it was asked for, on the monotonic clock.</param>
internal readonly record struct ClientSpace(long FreeBytes, TimeSpan At);

/// <summary>What is known of a file system of the source.</summary>
/// <param name="Device">Its device number.</param>
/// <param name="FreeBytes">Null while it is not known; nothing is decided on that.</param>
/// <param name="IsShort">Whether it has been below the limit for long enough to act.</param>
/// <param name="Problem">Why the free space is not known; else empty.</param>
internal sealed record SpaceState(ulong Device, long? FreeBytes, bool IsShort, string Problem);
