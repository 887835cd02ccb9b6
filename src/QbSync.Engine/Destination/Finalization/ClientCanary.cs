using System.Collections.Concurrent;

namespace QbSync.Engine.Destination.Finalization;

/// <summary>
/// Which roots the client has shown that it can read, by checking a torrent that lies there. Content was hashed twice before the client hears of it, so a
/// check says nothing new about that; but a wrong path or a missing right shows by the first one, not by each. Known for this process and one epoch of the
/// client only. Thread-safe.
/// </summary>
internal sealed class ClientCanary
{
    /// <summary>Bytes of a torrent above which it is not checked for this alone: that takes too long.</summary>
    public const long MaxBytes = 16L << 30;

    private readonly ConcurrentDictionary<string, int> _shown = new(StringComparer.Ordinal);

    /// <summary>Whether a torrent of this size at this root is to be checked, since none was found good there yet.</summary>
    public bool IsDue(string root, int epoch, long bytes) => bytes <= MaxBytes && !(_shown.TryGetValue(root, out var shown) && shown == epoch);

    /// <summary>A check of a torrent at this root ended well.</summary>
    public void Succeeded(string root, int epoch) => _shown[root] = epoch;

    /// <summary>The client did not find, or could not read, a torrent at this root: the next one shows whether that is over.</summary>
    public void Failed(string root) => _shown.TryRemove(root, out _);
}
