using QbSync.Storage.IO;
using QbSync.Storage.IO.Native;

namespace QbSync.Storage.Pieces;

/// <summary>Keeps the number of files open for writing within a bound, closing those unused for longest. Thread-safe; one a store.</summary>
internal sealed class WriteHandleCache(int capacity)
{
    private const int MinCapacity = 8;
    private readonly Lock _gate = new();
    private readonly HashSet<CachedFile> _open = [];
    private volatile int _count; // read by scrapes, which take no lock
    private int _capacity = capacity;
    private long _uses;

    /// <summary>Files open now.</summary>
    public int Count => _count;

    /// <summary>The next number in the count of uses.</summary>
    public long NextUse() => Interlocked.Increment(ref _uses);

    /// <summary>Opens a file; where the process has no descriptor left, halves the bound, makes room and tries once more.</summary>
    public FileHandle Open(Func<FileHandle> open)
    {
        try
        {
            return open();
        }
        catch (StorageException exception) when (StorageFaults.IsOutOfDescriptors(exception))
        {
            lock (_gate)
            {
                _capacity = Math.Max(MinCapacity, _open.Count / 2);
            }

            Trim(null);
            return open();
        }
    }

    /// <summary>A file has a handle now; others may lose theirs.</summary>
    public void Opened(CachedFile file)
    {
        Note(file);
        Trim(file);
    }

    /// <summary>A file was closed by its owner.</summary>
    public void Closed(CachedFile file)
    {
        lock (_gate)
        {
            _open.Remove(file);
            _count = _open.Count;
        }
    }

    private void Note(CachedFile file)
    {
        lock (_gate)
        {
            _open.Add(file);
            _count = _open.Count;
        }
    }

    private void Trim(CachedFile? spared)
    {
        HashSet<CachedFile>? busy = null;
        while (true)
        {
            CachedFile? victim = null;
            lock (_gate)
            {
                if (_open.Count <= _capacity)
                {
                    return;
                }

                foreach (var file in _open)
                {
                    if (file != spared && busy?.Contains(file) != true && (victim is null || file.LastUse < victim.LastUse))
                    {
                        victim = file;
                    }
                }
            }

            if (victim is null)
            {
                return; // every other file is in use; the bound is exceeded until the next opening
            }

            // Forgotten first: one that is opened again at once notes itself anew.
            Closed(victim);
            if (!victim.TryEvict())
            {
                (busy ??= []).Add(victim);
                Note(victim);
            }
        }
    }
}
