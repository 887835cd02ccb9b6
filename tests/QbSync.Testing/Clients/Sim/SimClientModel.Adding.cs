using QbSync.Torrents;

namespace QbSync.Testing.Clients.Sim;

/// <summary>What became of an add.</summary>
public enum SimAddOutcome
{
    Added,
    Present,
    Garbage,
    NotHeld,
}

/// <summary>An add, in any version's words.</summary>
public sealed record SimAdd(ReadOnlyMemory<byte> Torrent, string SavePath)
{
    public string Category { get; init; } = "";

    public IReadOnlyList<string> Tags { get; init; } = [];

    public bool IsSeedMode { get; init; }

    public bool IsStopped { get; init; } = true;

    public bool IsManaged { get; init; }

    public ContentLayout Layout { get; init; }
}

public sealed partial class SimClientModel
{
    public (SimAddOutcome Outcome, string Id) Add(SimAdd add)
    {
        TorrentManifest manifest;
        try
        {
            manifest = TorrentManifest.Parse(add.Torrent.ToArray());
        }
        catch (TorrentFormatException)
        {
            return (SimAddOutcome.Garbage, "");
        }

        var (id, isHeld) = IdOf(manifest, Generation);
        if (!isHeld)
        {
            return (SimAddOutcome.NotHeld, "");
        }

        lock (_gate)
        {
            SettleNeedsLock();
            if (_torrents.ContainsKey(id))
            {
                return (SimAddOutcome.Present, id);
            }

            var savePath = Path.TrimEndingDirectorySeparator(add.SavePath.Trim() is { Length: > 0 } path ? path : options.SavePath);
            var torrent = new SimTorrent(id, add.Torrent.ToArray(), manifest, savePath, manifest.Files.Select(file => Place(manifest, file, add.Layout)))
            {
                AddedAt = Now,
                ListedAt = Now + options.ListingDelay,
                Listed = [.. manifest.Files.Where(file => file.IsReal || (file.IsPad && Generation.IsOldest)).Select(static file => file.Index)],
                Category = add.Category,
                IsManaged = add.IsManaged,
                IsStopped = add.IsStopped,
            };
            if (Generation.TagsInAdd)
            {
                torrent.Tags.UnionWith(add.Tags);
                _tags.UnionWith(add.Tags);
            }

            if (add.Category.Length > 0)
            {
                _categories.TryAdd(add.Category, "");
            }

            _torrents.Add(id, torrent);
            BeginNeedsLock(torrent, add.IsSeedMode);
            return (SimAddOutcome.Added, id);
        }
    }

    // Seed mode takes the content as verified and looks at sizes alone, libtorrent 2 a moment later; 4.2 checks what is not in seed mode.
    private void BeginNeedsLock(SimTorrent torrent, bool seedMode)
    {
        if (seedMode)
        {
            torrent.Activity = Generation.IsOldest ? SimActivity.None : SimActivity.ReadingRecords;
            torrent.Later(Generation.IsOldest ? Now : Now + options.Tick, () =>
            {
                torrent.Activity = SimActivity.None;
                torrent.IsMissing = !SimContentCheck.HasFiles(torrent);
                if (!torrent.IsMissing)
                {
                    torrent.Have.SetAll();
                    NoteCompletionNeedsLock(torrent);
                }
            });
            torrent.Settle(Now);
        }
        else if (Generation.IsOldest || !torrent.IsStopped)
        {
            CheckNeedsLock(torrent);
        }
    }

    private static string Place(TorrentManifest manifest, TorrentFile file, ContentLayout layout)
    {
        var path = string.Join('/', file.Path);
        var rooted = manifest.HasRootFolder && !path.StartsWith(manifest.Name + "/", StringComparison.Ordinal) ? $"{manifest.Name}/{path}" : path;
        return layout switch
        {
            ContentLayout.NoSubfolder when manifest.HasRootFolder => rooted[(manifest.Name.Length + 1)..],
            ContentLayout.Subfolder when !manifest.HasRootFolder => $"{Path.GetFileNameWithoutExtension(manifest.Name)}/{path}",
            _ => rooted,
        };
    }
}
