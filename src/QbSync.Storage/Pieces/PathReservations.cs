using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

/// <summary>
/// Final paths that torrents of the store lay claim to, in memory, compared as the root compares names. A path belongs to one torrent; others that may want the
/// same bytes there stand behind it and follow when it goes. Thread-safe.
/// </summary>
internal sealed class PathReservations(StringComparer comparer)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Holder> _owners = new(comparer);
    private readonly Dictionary<string, List<Holder>> _behind = new(comparer);
    private readonly Dictionary<InfoHash, HashSet<string>> _paths = [];

    /// <summary>Raised outside all locks for a torrent behind an owner that published the file or went.</summary>
    public event Action<InfoHash>? Wake;

    /// <summary>Reserves all of these paths besides those that the torrent has, or none.</summary>
    /// <param name="manifest">The torrent.</param>
    /// <param name="paths">Paths with the files that go there.</param>
    /// <param name="isInPlace">Whether a file stands there by this torrent's doing, so that it comes before those that only wait.</param>
    /// <returns>Null, or a path that another torrent has for other content, with its owner; the torrent itself where two of its own paths are one.</returns>
    public (string Path, InfoHash Owner)? TryReserve(TorrentManifest manifest, IReadOnlyList<(string Path, int File)> paths, Predicate<int> isInPlace)
    {
        lock (_gate)
        {
            var own = _paths.GetValueOrDefault(manifest.Id) ?? new HashSet<string>(comparer);
            var taken = new HashSet<string>(comparer);
            foreach (var (path, file) in paths)
            {
                var holder = new Holder(manifest, file);
                var owner = _owners.GetValueOrDefault(path);
                if (own.Contains(path) && !taken.Contains(path) && GetFile_NeedsLock(path, manifest.Id) == file)
                {
                    continue;
                }

                if (own.Contains(path) || (owner is not null && !ContentComparison.MayBeSame(owner.Manifest, owner.File, manifest, file)))
                {
                    foreach (var one in taken)
                    {
                        own.Remove(one);
                        Remove_NeedsLock(one, manifest.Id, null);
                    }

                    return (path, owner!.Manifest.Id);
                }

                Add_NeedsLock(path, holder, owner, isInPlace(file));
                own.Add(path);
                taken.Add(path);
            }

            _paths[manifest.Id] = own;
            return null;
        }
    }

    /// <summary>Who has a path before this torrent; null when nobody has.</summary>
    public InfoHash? FindOwner(string path, InfoHash torrent)
    {
        lock (_gate)
        {
            return _owners.TryGetValue(path, out var owner) && owner.Manifest.Id != torrent ? owner.Manifest.Id : null;
        }
    }

    /// <summary>The file of a path is there now: those behind its owner may look.</summary>
    public void Published(string path)
    {
        List<InfoHash> woken;
        lock (_gate)
        {
            woken = [.. _behind.GetValueOrDefault(path, []).Select(static holder => holder.Manifest.Id)];
        }

        WakeAll(woken);
    }

    /// <summary>Gives a torrent's paths up, all of them or those that it has no more.</summary>
    public void Release(InfoHash torrent, IReadOnlyCollection<string>? kept = null)
    {
        var woken = new List<InfoHash>();
        lock (_gate)
        {
            if (!_paths.TryGetValue(torrent, out var paths))
            {
                return;
            }

            var keeps = new HashSet<string>(kept ?? [], comparer);
            foreach (var path in paths.Where(path => !keeps.Contains(path)).ToList())
            {
                paths.Remove(path);
                Remove_NeedsLock(path, torrent, woken);
            }

            if (paths.Count == 0)
            {
                _paths.Remove(torrent);
            }
        }

        WakeAll(woken);
    }

    private void WakeAll(List<InfoHash> torrents)
    {
        foreach (var torrent in torrents)
        {
            Wake?.Invoke(torrent);
        }
    }

    private int? GetFile_NeedsLock(string path, InfoHash torrent) =>
        _owners[path].Manifest.Id == torrent
            ? _owners[path].File
            : _behind.GetValueOrDefault(path)?.Find(holder => holder.Manifest.Id == torrent)?.File;

    private void Add_NeedsLock(string path, Holder holder, Holder? owner, bool isInPlace)
    {
        if (owner is null || isInPlace)
        {
            _owners[path] = holder;
        }

        if (owner is null)
        {
            return;
        }

        if (!_behind.TryGetValue(path, out var behind))
        {
            _behind[path] = behind = [];
        }

        if (isInPlace)
        {
            behind.Insert(0, owner);
        }
        else
        {
            behind.Add(holder);
        }
    }

    private void Remove_NeedsLock(string path, InfoHash torrent, List<InfoHash>? woken)
    {
        var behind = _behind.GetValueOrDefault(path);
        if (_owners[path].Manifest.Id != torrent)
        {
            behind?.RemoveAll(holder => holder.Manifest.Id == torrent);
        }
        else if (behind is null)
        {
            _owners.Remove(path);
        }
        else
        {
            woken?.AddRange(behind.Select(static holder => holder.Manifest.Id));
            _owners[path] = behind[0];
            behind.RemoveAt(0);
        }

        if (behind is { Count: 0 })
        {
            _behind.Remove(path);
        }
    }

    private sealed record Holder(TorrentManifest Manifest, int File);
}
