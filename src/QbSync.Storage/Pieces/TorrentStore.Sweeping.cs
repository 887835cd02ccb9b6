using QbSync.Storage.IO;
using QbSync.Storage.State;
using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

public sealed partial class TorrentStore
{
    private readonly SemaphoreSlim _sweepTurn = new(1);
    private Dictionary<Leftover, long> _seenLeftovers = [];

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<string>> SweepLeftoversAsync(TimeSpan age, bool remove, CancellationToken cancellationToken)
    {
        Opened(_context);
        await _sweepTurn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => Sweep(age, remove, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _sweepTurn.Release();
        }
    }

    /// <summary>What was seen before and still is what it was has had its time; a name that comes and goes begins anew each time, by its inode.</summary>
    private List<string> Sweep(TimeSpan age, bool remove, CancellationToken cancellationToken)
    {
        var now = _time.GetTimestamp();
        var seen = new Dictionary<Leftover, long>();
        var old = new List<string>();
        foreach (var leftover in FindLeftovers(cancellationToken))
        {
            var since = _seenLeftovers.GetValueOrDefault(leftover, now);
            if (_time.GetElapsedTime(since, now) < age)
            {
                seen[leftover] = since;
            }
            else if (!remove)
            {
                seen[leftover] = since;
                old.Add(leftover.Describe());
            }
            else if (Remove(leftover))
            {
                old.Add(leftover.Describe());
                Log.LeftoverRemoved(_logger, leftover.Describe());
            }
        }

        _seenLeftovers = seen;
        return old;
    }

    private IEnumerable<Leftover> FindLeftovers(CancellationToken cancellationToken)
    {
        var state = _context!.State;
        foreach (var one in FindTemporaries(state, []))
        {
            yield return one;
        }

        foreach (var (name, stat) in ListFolder(state, [SessionFolder.Parent]))
        {
            cancellationToken.ThrowIfCancellationRequested();
            string[] parts = [SessionFolder.Parent, name];
            if (InfoHash.TryParse(name, out var id) && id.ToString() == name && IsOwned(id))
            {
                continue; // a session of ours may be writing there; its start removes what an earlier one left
            }

            if (stat.Kind == FileKind.Folder && ListFolder(state, parts).Count == 0)
            {
                yield return new Leftover(state, string.Join('/', parts), stat.Inode, IsFolder: true);
            }
        }

        if (_context.Health.Look() is not null)
        {
            yield break; // what is not there now is not ours to judge
        }

        foreach (var one in FindTemporaries(_context.Root, [SafePath.OwnFolder]).Concat(FindPartials(cancellationToken)))
        {
            yield return one;
        }
    }

    private IEnumerable<Leftover> FindTemporaries(RootDirectory root, string[] folder)
    {
        foreach (var (name, stat) in ListFolder(root, folder))
        {
            if (name.StartsWith(AtomicFile.TemporaryPrefix, StringComparison.Ordinal) && stat.Kind == FileKind.File)
            {
                yield return new Leftover(root, string.Join('/', [.. folder, name]), stat.Inode, IsFolder: false);
            }
        }
    }

    /// <summary>Hidden files by our names, of torrents that have no session. The whole root is walked: a lost state does not say where they are.</summary>
    private IEnumerable<Leftover> FindPartials(CancellationToken cancellationToken)
    {
        var owned = new HashSet<string>(StringComparer.Ordinal);
        lock (_gate)
        {
            owned.UnionWith(_torrents.Keys.Concat(_opening.Keys).Concat(_unreadable).Select(StoredFile.GetPartialPrefix));
        }

        var folders = new Stack<string[]>([[]]);
        while (folders.TryPop(out var folder))
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var (name, stat) in ListFolder(_context!.Root, folder))
            {
                if (stat.Kind == FileKind.Folder)
                {
                    if (folder.Length > 0 || name != SafePath.OwnFolder)
                    {
                        folders.Push([.. folder, name]);
                    }
                }
                else if (stat.Kind == FileKind.File && StoredFile.TryGetPrefix(name) is { } prefix && !owned.Contains(prefix))
                {
                    yield return new Leftover(_context.Root, string.Join('/', [.. folder, name]), stat.Inode, IsFolder: false);
                }
            }
        }
    }

    private bool Remove(Leftover leftover)
    {
        var parts = leftover.Path.Split('/');
        try
        {
            using var folder = leftover.Root.OpenFolder(parts[..^1]);
            if (folder is null || IsOwnedNow(parts[^1]) || _files.Stat(folder, parts[^1]) is not { } stat || stat.Inode != leftover.Inode
                || !(leftover.IsFolder ? _files.RemoveFolder(folder, parts[^1]) : _files.Unlink(folder, parts[^1])))
            {
                return false;
            }

            _files.SyncFolder(folder);
            return true;
        }
        catch (StorageException exception)
        {
            Log.LeftoverKept(_logger, leftover.Describe(), exception.Message);
            return false;
        }
    }

    /// <summary>A session may have begun since the list was made.</summary>
    private bool IsOwnedNow(string name)
    {
        if (InfoHash.TryParse(name, out var id))
        {
            return IsOwned(id);
        }

        if (StoredFile.TryGetPrefix(name) is not { } prefix)
        {
            return false;
        }

        lock (_gate)
        {
            return _torrents.Keys.Concat(_opening.Keys).Concat(_unreadable).Any(owner => StoredFile.GetPartialPrefix(owner) == prefix);
        }
    }

    private bool IsOwned(InfoHash id)
    {
        lock (_gate)
        {
            return _torrents.ContainsKey(id) || _opening.ContainsKey(id) || _unreadable.Contains(id);
        }
    }

    /// <summary>What is in a folder; nothing where it is gone, or may not be read: nothing of ours was made there.</summary>
    private List<(string Name, FileStat Stat)> ListFolder(RootDirectory root, string[] parts)
    {
        var entries = new List<(string Name, FileStat Stat)>();
        try
        {
            using var folder = root.OpenFolder(parts);
            foreach (var name in folder is null ? [] : _files.List(folder))
            {
                if (SafePath.IsPart(name) && _files.Stat(folder!, name) is { } stat)
                {
                    entries.Add((name, stat));
                }
            }
        }
        catch (StorageException)
        {
            entries.Clear();
        }

        return entries;
    }

    /// <summary>Something of ours that no session owns.</summary>
    private sealed record Leftover(RootDirectory Root, string Path, ulong Inode, bool IsFolder)
    {
        public string Describe() => Root.Describe(Path.Split('/'));
    }
}
