namespace QbSync.Testing.Clients.Sim;

public sealed partial class SimClientModel
{
    /// <summary>Stops; seen a moment later. libtorrent 2 gives up a check that runs, with nothing found; 4.2 ends it.</summary>
    public void Stop(IEnumerable<string> ids) => Each(ids, torrent =>
    {
        if (torrent.Check is { } check)
        {
            if (!Generation.IsOldest)
            {
                check.IsAbandoned = true;
                torrent.Check = null;
                torrent.Activity = SimActivity.None;
                torrent.IsStopped = true;
                torrent.Have = new(torrent.Manifest.PieceCount);
                NoteCompletionNeedsLock(torrent);
            }

            return;
        }

        torrent.Later(Now + options.Tick / 2, () => torrent.IsStopped = true);
    });

    /// <summary>Starts; seen a moment later. In 4.2 a check that runs stops the torrent at its end in spite of it.</summary>
    public void Start(IEnumerable<string> ids) => Each(ids, torrent =>
    {
        if (torrent.Check is not null && Generation.IsOldest)
        {
            return;
        }

        torrent.Later(Now + options.Tick, () =>
        {
            torrent.IsStopped = false;
            torrent.IsMissing = torrent.IsMissing && Generation.KeepsMissing;
        });
    });

    /// <summary>Checks content; for a while answers stay as they were.</summary>
    public void Recheck(IEnumerable<string> ids) => Each(ids, CheckNeedsLock);

    /// <summary>Deletes; the part file goes along, and in old versions complete files that are not wanted.</summary>
    public void Delete(IEnumerable<string> ids, bool withFiles) => Each(ids, torrent =>
        torrent.Later(Now + options.DeleteDelay, () =>
        {
            _torrents.Remove(torrent.Id);
            File.Delete(SimContentCheck.PartFile(torrent));
            foreach (var file in torrent.Manifest.Files.Where(static file => file.IsReal))
            {
                var unwanted = Generation.DeletesUnselected && torrent.Priorities[file.Index] == 0
                    && new FileInfo(SimContentCheck.File(torrent, file.Index)) is { Exists: true } info && info.Length == file.Length;
                if (withFiles || unwanted)
                {
                    DeleteFile(torrent.SavePath, SimContentCheck.File(torrent, file.Index));
                }
            }
        }));

    private void Each(IEnumerable<string> ids, Action<SimTorrent> act)
    {
        lock (_gate)
        {
            SettleNeedsLock();
            foreach (var torrent in FindNeedsLock(ids).ToList())
            {
                act(torrent);
                torrent.Settle(Now);
            }
        }
    }

    private void CheckNeedsLock(SimTorrent torrent)
    {
        if (torrent.Check is not null)
        {
            return;
        }

        var check = torrent.Check = new SimTorrent.CheckRun();
        if (Generation.RecheckClearsPieces)
        {
            torrent.Have = new(torrent.Manifest.PieceCount);
        }

        torrent.Later(Now + options.Tick, () => Unless(check, () =>
        {
            torrent.Activity = options.CheckTime > TimeSpan.Zero ? SimActivity.Checking : torrent.Activity;
            torrent.Later(Now + options.CheckTime, () => Unless(check, () =>
            {
                torrent.Activity = SimActivity.None;
                torrent.Check = null;
                torrent.IsMissing = false;
                torrent.Have = SimContentCheck.Check(torrent);
                NoteCompletionNeedsLock(torrent);
            }));
        }));

        static void Unless(SimTorrent.CheckRun check, Action act)
        {
            if (!check.IsAbandoned)
            {
                act();
            }
        }
    }

    private static void DeleteFile(string root, string path)
    {
        if (!File.Exists(path))
        {
            return;
        }

        File.Delete(path);
        for (var folder = Path.GetDirectoryName(path)!; folder != root && !Directory.EnumerateFileSystemEntries(folder).Any(); folder = Path.GetDirectoryName(folder)!)
        {
            Directory.Delete(folder);
        }
    }
}
