using System.Runtime.ExceptionServices;
using QbSync.Storage.IO;

namespace QbSync.Storage.Pieces;

/// <summary>
/// A file that is written through a handle of <see cref="WriteHandleCache"/>: opened when needed, closed when others need the room, never closed with writes that
/// were not flushed. A flush that failed is never repeated for a better answer: what it covered is reported lost. Thread-safe.
/// </summary>
internal abstract class CachedFile(WriteHandleCache cache, IFileSystem files)
{
    private readonly Lock _gate = new();
    private FileHandle? _handle;
    private TaskCompletionSource? _syncing;
    private int _generation;
    private int _users;
    private long _writes;
    private long _syncedWrites;
    private long _failures;

    /// <summary>Where it is.</summary>
    protected IFileSystem Files { get; } = files;

    /// <summary>When it was last used, in the cache's count of uses.</summary>
    public long LastUse { get; private set; }

    /// <summary>How often it was given up: a handle that was opened before that leads to what is not there any more.</summary>
    public int Generation
    {
        get
        {
            lock (_gate)
            {
                return _generation;
            }
        }
    }

    /// <summary>Failed flushes so far.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>Whether writes returned since the last good flush.</summary>
    public bool IsUnsynced
    {
        get
        {
            lock (_gate)
            {
                return _writes != _syncedWrites;
            }
        }
    }

    /// <summary>Writes bytes. They are unsynced when this returns.</summary>
    public void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        var handle = Acquire();
        try
        {
            Files.Write(handle, bytes, offset);
        }
        catch (ObjectDisposedException exception)
        {
            throw new StorageException(StorageFault.Io, "The file was closed after a flush of it failed.", exception);
        }
        finally
        {
            Release(wrote: true);
        }
    }

    /// <summary>
    /// Flushes every write that returned before this call. False when a flush failed, this one or one that ran meanwhile: what was written since the last good
    /// one is lost, and <see cref="OnSyncFailed"/> has been told.
    /// </summary>
    public async ValueTask<bool> SyncAsync()
    {
        var failures = Failures;
        while (true)
        {
            Task other;
            lock (_gate)
            {
                if (_failures != failures)
                {
                    return false;
                }

                if (_syncing is null && _writes == _syncedWrites)
                {
                    return true;
                }

                if (_syncing is null)
                {
                    _syncing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    break;
                }

                other = _syncing.Task;
            }

            await other.ConfigureAwait(false);
        }

        return Sync();
    }

    /// <summary>Closes the handle if nobody uses it, after a flush where one is due. False when it stays open.</summary>
    public bool TryEvict()
    {
        bool mustSync;
        lock (_gate)
        {
            if (_users > 0 || _syncing is not null)
            {
                return false;
            }

            mustSync = _handle is not null && _writes != _syncedWrites;
            if (mustSync)
            {
                _syncing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        if (mustSync)
        {
            Sync();
        }

        FileHandle? handle;
        lock (_gate)
        {
            if (_users > 0 || _syncing is not null || _writes != _syncedWrites)
            {
                return false;
            }

            handle = TakeHandle_NeedsLock();
        }

        TryClose(handle);
        return true;
    }

    /// <summary>Closes the handle of a file whose writes were all flushed, if it has one.</summary>
    /// <exception cref="StorageException">Closing failed, so nobody knows what the device has; <see cref="OnSyncFailed"/> has been told.</exception>
    public void Close()
    {
        FileHandle? handle;
        cache.Closed(this); // first: an entry without a handle is harmless, a handle without an entry stays open
        lock (_gate)
        {
            _syncedWrites = _writes;
            handle = TakeHandle_NeedsLock();
        }

        if (TryClose(handle) is { } failure)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>Closes the handle whatever was written: the file is given up.</summary>
    public void Abandon() => GiveUp()?.Dispose();

    /// <summary>Gives the file up without I/O: no write that begins after this goes where writes went before. What is returned is to be disposed.</summary>
    public FileHandle? GiveUp()
    {
        cache.Closed(this);
        lock (_gate)
        {
            _generation++;
            _syncedWrites = _writes;
            return TakeHandle_NeedsLock();
        }
    }

    /// <summary>Opens the file for writing, making it if need be.</summary>
    protected abstract FileHandle Open();

    /// <summary>Before a flush: brings what is still in memory into the file.</summary>
    protected virtual void BeforeSync(FileHandle handle)
    {
    }

    /// <summary>A flush failed: the owner forgets what was written since the last good one. Called outside all locks.</summary>
    protected abstract void OnSyncFailed(StorageException failure);

    private FileHandle Acquire()
    {
        while (true)
        {
            int generation;
            lock (_gate)
            {
                if (_handle is not null)
                {
                    return Use_NeedsLock(_handle);
                }

                generation = _generation;
            }

            var opened = cache.Open(Open);
            FileHandle? used = null;
            lock (_gate)
            {
                // Two writers may have opened the file at once: both handles are good, one is enough. One of a file that was given up meanwhile is not.
                _handle ??= generation == _generation ? opened : null;
                used = _handle is null ? null : Use_NeedsLock(_handle);
            }

            if (used != opened)
            {
                opened.Dispose();
            }

            if (used is not null)
            {
                cache.Opened(this);
                return used;
            }
        }
    }

    private FileHandle Use_NeedsLock(FileHandle handle)
    {
        _users++;
        LastUse = cache.NextUse();
        return handle;
    }

    private void Release(bool wrote)
    {
        lock (_gate)
        {
            _users--;
            _writes += wrote ? 1 : 0;
        }
    }

    /// <summary>Flushes; the caller has set <see cref="_syncing"/>.</summary>
    private bool Sync()
    {
        FileHandle? handle;
        long writes;
        lock (_gate)
        {
            handle = _handle;
            writes = _writes;
        }

        StorageException? failure = null;
        try
        {
            if (handle is not null)
            {
                BeforeSync(handle);
                Files.Sync(handle);
            }
        }
        catch (StorageException exception)
        {
            failure = exception;
        }

        FileHandle? broken;
        lock (_gate)
        {
            _syncedWrites = failure is null ? Math.Max(_syncedWrites, writes) : _writes;
            _failures += failure is null ? 0 : 1;
            broken = failure is null ? null : TakeHandle_NeedsLock();
        }

        broken?.Dispose();
        if (failure is not null)
        {
            OnSyncFailed(failure);
        }

        // Only now may others see the file as clean: what the failure covered has been given up.
        TaskCompletionSource? done;
        lock (_gate)
        {
            done = _syncing;
            _syncing = null;
        }

        done?.SetResult();
        return failure is null;
    }

    private StorageException? TryClose(FileHandle? handle)
    {
        try
        {
            if (handle is not null)
            {
                Files.Close(handle);
            }

            return null;
        }
        catch (StorageException exception)
        {
            lock (_gate)
            {
                _failures++;
            }

            OnSyncFailed(exception);
            return exception;
        }
    }

    private FileHandle? TakeHandle_NeedsLock()
    {
        var handle = _handle;
        _handle = null;
        return handle;
    }
}
