namespace QbSync.QBittorrent.Adapters;

/// <summary>
/// Judges whether another program asks for changes under the same login, as all users of one API key do: each then gets what the other has not
/// seen. A proxy that takes cookies away looks the same. Not thread-safe.
/// </summary>
internal sealed class SharedState(TimeProvider time)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private long? _lastSuspicion;
    private bool _hasWarned;

    /// <summary>Whether changes cannot be followed, so that lists are asked for instead.</summary>
    public bool IsShared { get; private set; }

    /// <summary>Everything came though changes were asked for: once is chance, twice within a minute is another program.</summary>
    /// <returns>Whether a person is to be told.</returns>
    public bool Suspect()
    {
        var now = time.GetTimestamp();
        IsShared = _lastSuspicion is { } last && time.GetElapsedTime(last, now) <= Soon;
        _lastSuspicion = now;
        var warns = IsShared && !_hasWarned;
        _hasWarned |= warns;
        return warns;
    }

    /// <summary>A new login may have a state of its own.</summary>
    public void NewLogin() => (_lastSuspicion, IsShared) = (null, false);
}
