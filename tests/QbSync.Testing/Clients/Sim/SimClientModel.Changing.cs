namespace QbSync.Testing.Clients.Sim;

/// <summary>What became of a change that can be refused.</summary>
public enum SimChange
{
    Done,
    UnknownTorrent,
    Refused,
}

public sealed partial class SimClientModel
{
    public void AddTags(IEnumerable<string> ids, IEnumerable<string> tags)
    {
        var names = tags.Select(static tag => tag.Trim()).Where(static tag => tag.Length > 0).ToList();
        Each(ids, torrent =>
        {
            torrent.Tags.UnionWith(names);
            _tags.UnionWith(names);
        });
    }

    public void RemoveTags(IEnumerable<string> ids, IEnumerable<string> tags)
    {
        var names = tags.Select(static tag => tag.Trim()).ToList();
        Each(ids, torrent =>
        {
            if (names.Count == 0)
            {
                torrent.Tags.Clear();
            }

            torrent.Tags.ExceptWith(names);
        });
    }

    /// <summary>Whether it is new.</summary>
    public bool MakeCategory(string name, string savePath)
    {
        lock (_gate)
        {
            return _categories.TryAdd(name, savePath);
        }
    }

    public SimChange SetCategory(IEnumerable<string> ids, string category)
    {
        lock (_gate)
        {
            if (category.Length > 0 && !_categories.ContainsKey(category))
            {
                return SimChange.Refused;
            }
        }

        Each(ids, torrent => torrent.Category = category);
        return SimChange.Done;
    }

    public void SetShareLimits(IEnumerable<string> ids, double ratio, int seedingMinutes, int inactiveMinutes) => Each(ids, torrent =>
    {
        torrent.RatioLimit = ratio;
        torrent.SeedingMinutesLimit = seedingMinutes;
        torrent.InactiveMinutesLimit = inactiveMinutes;
    });

    /// <param name="indices">Of the list that this version shows.</param>
    public SimChange SetPriorities(string id, IReadOnlyCollection<int> indices, int priority)
    {
        lock (_gate)
        {
            SettleNeedsLock();
            if (!_torrents.TryGetValue(id, out var torrent))
            {
                return SimChange.UnknownTorrent;
            }

            if (indices.Any(index => index < 0 || index >= torrent.Listed.Count))
            {
                return SimChange.Refused;
            }

            foreach (var index in indices)
            {
                torrent.Priorities[torrent.Listed[index]] = priority;
                if (Generation.IsOldest)
                {
                    SetAside(torrent, torrent.Listed[index], priority == 0);
                }
            }

            NoteCompletionNeedsLock(torrent);
            return SimChange.Done;
        }
    }

    public SimChange Rename(string id, string oldPath, string newPath)
    {
        lock (_gate)
        {
            SettleNeedsLock();
            if (!_torrents.TryGetValue(id, out var torrent))
            {
                return SimChange.UnknownTorrent;
            }

            var index = torrent.Paths.IndexOf(oldPath);
            if (index < 0 || torrent.Paths.Contains(newPath))
            {
                return SimChange.Refused;
            }

            if (Generation.LosesFirstOfTwoRenames)
            {
                torrent.DropLater();
            }

            torrent.Later(Now + options.Tick / 2, () =>
            {
                var from = SimContentCheck.File(torrent, index);
                torrent.Paths[index] = newPath;
                MoveFile(from, SimContentCheck.File(torrent, index));
            });
            return SimChange.Done;
        }
    }

    /// <summary>Moves content; refused where the folder cannot be made.</summary>
    public SimChange SetLocation(IEnumerable<string> ids, string location)
    {
        try
        {
            Directory.CreateDirectory(location);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return SimChange.Refused;
        }

        Each(ids, torrent =>
        {
            torrent.IsManaged = false;
            torrent.Activity = SimActivity.Moving;
            torrent.Later(Now + options.Tick, () =>
            {
                var from = torrent.Manifest.Files.Where(static file => file.IsReal).Select(file => SimContentCheck.File(torrent, file.Index)).ToList();
                var parts = SimContentCheck.PartFile(torrent);
                var old = torrent.SavePath;
                torrent.Activity = SimActivity.None;
                torrent.SavePath = Path.TrimEndingDirectorySeparator(location);
                foreach (var path in from)
                {
                    MoveFile(path, Path.Combine(torrent.SavePath, Path.GetRelativePath(old, path)));
                }

                MoveFile(parts, SimContentCheck.PartFile(torrent));
            });
        });
        return SimChange.Done;
    }

    // 4.2 keeps what is not wanted in a folder beside.
    private static void SetAside(SimTorrent torrent, int index, bool aside)
    {
        var path = torrent.Paths[index];
        var folder = Path.GetDirectoryName(path) ?? "";
        var isAside = Path.GetFileName(folder) == ".unwanted";
        if (aside == isAside)
        {
            return;
        }

        var from = SimContentCheck.File(torrent, index);
        torrent.Paths[index] = aside
            ? Path.Combine(folder, ".unwanted", Path.GetFileName(path))
            : Path.Combine(Path.GetDirectoryName(folder) ?? "", Path.GetFileName(path));
        MoveFile(from, SimContentCheck.File(torrent, index));
    }

    private static void MoveFile(string from, string to)
    {
        if (from != to && File.Exists(from))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Move(from, to);
        }
    }
}
