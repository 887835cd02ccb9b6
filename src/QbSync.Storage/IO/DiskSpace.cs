namespace QbSync.Storage.IO;

/// <summary>
/// Whether the device of a root takes more bytes: not below the floor, and not for a while after a write found it full (a quota shows in no number). It takes
/// them again by itself at 1.1 times the floor. Thread-safe; looks at the device at most once a second.
/// </summary>
internal sealed class DiskSpace(RootDirectory root, Func<long> floor, TimeProvider time)
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan HoldAfterFull = TimeSpan.FromSeconds(10);
    private long _nextLook = time.GetTimestamp();
    private long _heldUntil = time.GetTimestamp();
    private volatile bool _isFull;

    /// <summary>Free bytes, or null when the device does not say.</summary>
    public long? GetFreeBytes()
    {
        try
        {
            return root.Files.GetFreeBytes(root.Handle);
        }
        catch (StorageException)
        {
            return null;
        }
    }

    /// <summary>Whether pieces may be written now.</summary>
    public bool HasRoom()
    {
        var now = time.GetTimestamp();
        var next = Interlocked.Read(ref _nextLook);
        if (now >= next && Interlocked.CompareExchange(ref _nextLook, After(now, LookInterval), next) == next && GetFreeBytes() is { } free)
        {
            var least = floor();
            _isFull = _isFull ? free < least + (least / 10) : free < least;
        }

        return !_isFull && now >= Interlocked.Read(ref _heldUntil);
    }

    /// <summary>A write found the device full.</summary>
    public void FoundFull() => Interlocked.Exchange(ref _heldUntil, After(time.GetTimestamp(), HoldAfterFull));

    private long After(long timestamp, TimeSpan wait) => timestamp + (long)(wait.TotalSeconds * time.TimestampFrequency);
}
