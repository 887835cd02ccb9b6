using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

/// <summary>
/// A bounded number of open files, least recently used first out. A file in use is closed when its last reader lets go of it, so a reader never finds
/// its handle closed. Thread-safe.
/// </summary>
internal sealed class FileHandleCache(ContentResolver resolver, int capacity, StorageMetrics metrics) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<FileKey, OpenFile> _files = [];
    private volatile int _count; // read by scrapes, which take no lock
    private OpenFile? _newest;
    private OpenFile? _oldest;
    private bool _disposed;

    /// <summary>Files in the cache.</summary>
    public int Count => _count;

    /// <summary>The open file, to be given back with <see cref="Release"/>; null with the reason when it cannot be opened.</summary>
    /// <exception cref="IOException">The device, or a permission, does not let us.</exception>
    /// <exception cref="UnauthorizedAccessException">A permission does not let us.</exception>
    public OpenFile? Acquire(ContentLocation location, int index)
    {
        var key = new FileKey(location.Manifest.Id, index);
        var cached = Lease(key);
        if (cached is not null && (ReferenceEquals(cached.Location, location) || IsCurrent(cached, location)))
        {
            metrics.HandleHit();
            return cached;
        }

        if (cached is not null)
        {
            Evict(cached);
            Release(cached);
        }

        if (resolver.Find(location, index) is not { } found || ContentResolver.Open(found) is not { } handle)
        {
            return null;
        }

        return Store(new OpenFile(key, location, found, handle));
    }

    /// <summary>Gives a file back.</summary>
    public void Release(OpenFile file)
    {
        bool close;
        lock (_gate)
        {
            close = --file.Leases == 0 && !file.IsCached;
        }

        if (close)
        {
            file.Handle.Dispose();
        }
    }

    /// <summary>
    /// Drops the cached file when its name leads to another file by now, or to none. True when it was dropped: a read with a new handle may fare better.
    /// </summary>
    public bool EvictIfStale(ContentLocation location, int index)
    {
        var file = Lease(new FileKey(location.Manifest.Id, index));
        if (file is null)
        {
            return false;
        }

        var stale = !IsCurrent(file, location) && Evict(file);
        Release(file);
        return stale;
    }

    /// <summary>Drops a file after the device failed on it.</summary>
    public bool Evict(OpenFile file)
    {
        lock (_gate)
        {
            if (!file.IsCached)
            {
                return false;
            }

            Remove_NeedsLock(file);
        }

        metrics.HandleEvicted();
        return true;
    }

    /// <summary>Drops every file of a torrent.</summary>
    public void Forget(InfoHash torrent) => Drop(file => file.Key.Torrent == torrent);

    /// <inheritdoc />
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
        }

        Drop(static _ => true);
    }

    private bool IsCurrent(OpenFile file, ContentLocation location)
    {
        if (resolver.Find(location, file.Key.Index) is not { } found
            || found.Identity.Device != file.Device || found.Identity.Inode != file.Inode || (file.Inode == 0 && found.Path != file.Path))
        {
            return false;
        }

        file.Location = location;
        return true;
    }

    private OpenFile? Lease(FileKey key)
    {
        lock (_gate)
        {
            if (!_files.TryGetValue(key, out var file))
            {
                return null;
            }

            file.Leases++;
            Unlink_NeedsLock(file);
            Link_NeedsLock(file);
            return file;
        }
    }

    private OpenFile Store(OpenFile opened)
    {
        OpenFile? evicted = null;
        OpenFile result;
        var close = false;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_files.TryGetValue(opened.Key, out var other))
            {
                result = other;
            }
            else
            {
                result = opened;
                opened.IsCached = true;
                _files.Add(opened.Key, opened);
                _count = _files.Count;
                Link_NeedsLock(opened);
                if (_files.Count > capacity)
                {
                    evicted = _oldest!;
                    Remove_NeedsLock(evicted);
                    close = evicted.Leases == 0;
                }
            }

            result.Leases++;
        }

        if (evicted is not null)
        {
            metrics.HandleEvicted();
            if (close)
            {
                evicted.Handle.Dispose();
            }
        }

        if (ReferenceEquals(result, opened))
        {
            metrics.HandleMissed();
        }
        else
        {
            opened.Handle.Dispose();
            metrics.HandleHit();
        }

        return result;
    }

    private void Drop(Func<OpenFile, bool> which)
    {
        List<OpenFile> unused = [];
        var dropped = 0;
        lock (_gate)
        {
            for (var file = _newest; file is not null;)
            {
                var next = file.Older;
                if (which(file))
                {
                    dropped++;
                    Remove_NeedsLock(file);
                    if (file.Leases == 0)
                    {
                        unused.Add(file);
                    }
                }

                file = next;
            }
        }

        foreach (var file in unused)
        {
            file.Handle.Dispose();
        }

        metrics.HandleEvicted(dropped);
    }

    private void Remove_NeedsLock(OpenFile file)
    {
        _files.Remove(file.Key);
        _count = _files.Count;
        file.IsCached = false;
        Unlink_NeedsLock(file);
    }

    private void Link_NeedsLock(OpenFile file)
    {
        file.Older = _newest;
        file.Newer = null;
        if (_newest is not null)
        {
            _newest.Newer = file;
        }

        _newest = file;
        _oldest ??= file;
    }

    private void Unlink_NeedsLock(OpenFile file)
    {
        if (file.Newer is null)
        {
            _newest = file.Older;
        }
        else
        {
            file.Newer.Older = file.Older;
        }

        if (file.Older is null)
        {
            _oldest = file.Newer;
        }
        else
        {
            file.Older.Newer = file.Newer;
        }
    }
}
