using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

/// <summary>Final paths that torrents of the store lay claim to, in memory, compared as the root compares names. Thread-safe.</summary>
internal sealed class PathReservations(StringComparer comparer)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, InfoHash> _owners = new(comparer);
    private readonly Dictionary<InfoHash, IReadOnlyList<string>> _paths = [];

    /// <summary>Reserves all of a torrent's paths, or none.</summary>
    /// <returns>Null, or a path that another torrent has, with its owner; the torrent itself where two of its own paths are one.</returns>
    public (string Path, InfoHash Owner)? TryReserve(InfoHash torrent, IReadOnlyList<string> paths)
    {
        lock (_gate)
        {
            for (var i = 0; i < paths.Count; i++)
            {
                if (_owners.TryAdd(paths[i], torrent))
                {
                    continue;
                }

                var owner = _owners[paths[i]];
                for (var j = 0; j < i; j++)
                {
                    _owners.Remove(paths[j]);
                }

                return (paths[i], owner);
            }

            _paths[torrent] = paths;
            return null;
        }
    }

    /// <summary>Gives a torrent's paths up.</summary>
    public void Release(InfoHash torrent)
    {
        lock (_gate)
        {
            if (_paths.Remove(torrent, out var paths))
            {
                foreach (var path in paths)
                {
                    _owners.Remove(path);
                }
            }
        }
    }
}
