using QbSync.Ports;

namespace QbSync.Engine.Source.Cleanup;

/// <summary>Sorts all torrents of a client into groups that share files: by path, or by inode. Pure.</summary>
internal static class HardlinkGroups
{
    /// <summary>Every torrent is in exactly one group. In the order of the ids, so that equal input gives equal groups.</summary>
    public static IReadOnlyList<LinkedGroup> Build(IReadOnlyList<IndexedTorrent> torrents)
    {
        IndexedTorrent[] ordered = [.. torrents.OrderBy(static torrent => torrent.Id.Value, StringComparer.Ordinal)];
        var byPath = new Union(ordered.Length);
        var byFile = new Union(ordered.Length);
        Dictionary<string, int> paths = new(StringComparer.Ordinal);
        Dictionary<InodeId, int> inodes = [];
        Dictionary<UnplacedFile, IndexedTorrent> unplaced = [];
        for (var i = 0; i < ordered.Length; i++)
        {
            foreach (var file in ordered[i].Files)
            {
                Join(paths, file.Path, i, byPath);
                Join(paths, file.Path, i, byFile);
                if (file.Inode is { } inode)
                {
                    Join(inodes, inode.Id, i, byFile);
                }
            }

            foreach (var file in ordered[i].Unplaced)
            {
                unplaced.TryAdd(file, ordered[i]);
            }
        }

        return
        [
            .. Enumerable.Range(0, ordered.Length).GroupBy(byFile.Find).OrderBy(static group => group.Min()).Select(group => new LinkedGroup(
                [.. group.Select(i => ordered[i])],
                [.. group.GroupBy(byPath.Find).Select(part => (IReadOnlyList<IndexedTorrent>)[.. part.Select(i => ordered[i])])],
                Doubt(group.Select(i => ordered[i]), unplaced))),
        ];
    }

    /// <summary>Which of the torrents in <paramref name="members"/> share a path with one that is not among them, and a doubt about it.</summary>
    public static (IReadOnlySet<ClientTorrentId> Sharing, string Doubt) FindShared(
        IReadOnlyList<IndexedTorrent> torrents, IReadOnlySet<ClientTorrentId> members)
    {
        HashSet<string> outside = new(StringComparer.Ordinal);
        Dictionary<UnplacedFile, IndexedTorrent> unplaced = [];
        foreach (var torrent in torrents.Where(torrent => !members.Contains(torrent.Id)))
        {
            outside.UnionWith(torrent.Files.Select(static file => file.Path));
            foreach (var file in torrent.Unplaced)
            {
                unplaced.TryAdd(file, torrent);
            }
        }

        HashSet<ClientTorrentId> sharing = [];
        var doubt = "";
        foreach (var member in torrents.Where(torrent => members.Contains(torrent.Id)))
        {
            if (member.Files.Any(file => outside.Contains(file.Path)))
            {
                sharing.Add(member.Id);
            }

            doubt = doubt.Length > 0 ? doubt : Doubt([member], unplaced);
        }

        return (sharing, doubt);
    }

    /// <summary>A file that cannot be found may be one of these, seen by another way.</summary>
    private static string Doubt(IEnumerable<IndexedTorrent> members, Dictionary<UnplacedFile, IndexedTorrent> unplaced)
    {
        foreach (var member in members)
        {
            if (member.Unplaced.Count > 0)
            {
                return $"'{member.Unplaced[0].Tail}' of '{member.Status.Name}' cannot be found here";
            }

            foreach (var file in unplaced.Count > 0 ? member.Files : [])
            {
                if (unplaced.TryGetValue(new UnplacedFile(UnplacedFile.TailOf(file.Path, 1), file.Length), out var other)
                    || unplaced.TryGetValue(new UnplacedFile(UnplacedFile.TailOf(file.Path, 2), file.Length), out other))
                {
                    return $"'{file.Path}' of '{member.Status.Name}' may be a file of '{other.Status.Name}' that cannot be found here";
                }
            }
        }

        return "";
    }

    private static void Join<T>(Dictionary<T, int> owners, T key, int torrent, Union union)
        where T : notnull
    {
        if (!owners.TryAdd(key, torrent))
        {
            union.Join(owners[key], torrent);
        }
    }

    /// <summary>Disjoint sets; the smallest member names its set.</summary>
    private sealed class Union(int count)
    {
        private readonly int[] _parents = [.. Enumerable.Range(0, count)];

        public int Find(int item)
        {
            while (_parents[item] != item)
            {
                item = _parents[item] = _parents[_parents[item]];
            }

            return item;
        }

        public void Join(int one, int other)
        {
            var (a, b) = (Find(one), Find(other));
            _parents[Math.Max(a, b)] = Math.Min(a, b);
        }
    }
}

/// <summary>Torrents that share files, directly or by others between them.</summary>
/// <param name="Members">All of them, by id.</param>
/// <param name="PathParts">The same, in parts that share paths; between parts only inodes are shared.</param>
/// <param name="Doubt">Why it is not sure that nobody else uses their files; else empty.</param>
internal sealed record LinkedGroup(IReadOnlyList<IndexedTorrent> Members, IReadOnlyList<IReadOnlyList<IndexedTorrent>> PathParts, string Doubt)
{
    /// <summary>
    /// Per device, what is free when all of these are gone with their files: an inode gives back nothing while a name is left that none of them has.
    /// </summary>
    public static IReadOnlyDictionary<ulong, long> FreesOf(IReadOnlyList<IndexedTorrent> members)
    {
        Dictionary<InodeId, (FileInode Inode, HashSet<string> Paths)> inodes = [];
        foreach (var file in members.SelectMany(static member => member.Files))
        {
            if (file.Inode is not { } inode)
            {
                continue;
            }

            if (!inodes.TryGetValue(inode.Id, out var known))
            {
                inodes[inode.Id] = known = (inode, new HashSet<string>(StringComparer.Ordinal));
            }

            known.Paths.Add(file.Path);
        }

        Dictionary<ulong, long> frees = [];
        foreach (var (inode, paths) in inodes.Values)
        {
            if (paths.Count >= inode.Links)
            {
                frees[inode.Id.Device] = frees.GetValueOrDefault(inode.Id.Device) + inode.Bytes;
            }
        }

        return frees;
    }
}
