using QbSync.Ports;
using QbSync.Storage.Hardlinks;
using QbSync.Storage.IO;
using QbSync.Storage.State;
using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

public sealed partial class TorrentStore
{
    private const string QuarantineFolder = "quarantine";
    private const int MaxTorrentBytes = 100 << 20;
    private const int Parallelism = 8;

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<ITorrentStorage>> RecoverAsync(CancellationToken cancellationToken)
    {
        if (_context is not null)
        {
            throw new InvalidOperationException("The store is open already.");
        }

        var ids = await Task.Run(OpenFolders, cancellationToken).ConfigureAwait(false);
        using var marks = RecoveryMarks.Open(_context!.State);
        foreach (var id in ids.Where(marks.Attempts.ContainsKey))
        {
            // One of those that were in hand when the process ended ended it: alone, so that the next start knows which.
            await Task.Run(() => RecoverSuspect(id, marks), cancellationToken).ConfigureAwait(false);
        }

        await Parallel.ForEachAsync(
            ids.Where(id => !marks.Attempts.ContainsKey(id)),
            new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken },
            (id, _) =>
            {
                RecoverOne(id, marks);
                return ValueTask.CompletedTask;
            }).ConfigureAwait(false);
        foreach (var storage in List())
        {
            BeginSettling(storage);
        }

        marks.Clear();
        return List();
    }

    /// <summary>Only now every path has its owner, so that who waits for whom is known.</summary>
    private void BeginSettling(TorrentStorage storage)
    {
        try
        {
            if (!storage.Phase.IsComplete())
            {
                storage.BeginSettling(null);
            }
        }
        catch (StorageException exception)
        {
            var id = storage.Request.Manifest.Id;
            lock (_gate)
            {
                _torrents.TryRemove(id, out _);
                _unreadable.Add(id);
            }

            Log.NotRecovered(_logger, id, exception.Message);
        }
    }

    /// <summary>
    /// Takes the state folder for this process, and makes it when it is absent, before anything else is done there; <see cref="RecoverAsync"/> takes it where that was
    /// not done. Not with that at once.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageFault.Locked"/>, naming the process that has it, or it cannot be used.</exception>
    public void TakeState()
    {
        if (_state is not null)
        {
            return;
        }

        _state = RootDirectory.Open(_files, _options.Current.StateDirectory, create: true);
        try
        {
            _lock = StateLock.Take(_files, _state.Handle, _state.Path);
        }
        catch
        {
            ReleaseState();
            throw;
        }
    }

    private void ReleaseState()
    {
        _lock?.Dispose();
        _state?.Dispose();
        (_lock, _state) = (null, null);
    }

    /// <summary>Takes the state folder and the data folder; the ids that have state.</summary>
    private List<InfoHash> OpenFolders()
    {
        TakeState();
        var state = _state!;
        RootDirectory? root = null;
        try
        {
            root = RootDirectory.Open(_files, _options.Current.DataRoot, create: false);
            using var torrents = state.EnsureFolder([SessionFolder.Parent]);
            var ids = new List<InfoHash>();
            foreach (var name in _files.List(torrents))
            {
                if (InfoHash.TryParse(name, out var id) && id.ToString() == name)
                {
                    ids.Add(id);
                }
            }

            RootMarker.Check(root, state, ids.Count > 0, _randomBytes, _metrics);
            _incarnation = State.Incarnation.Open(state, _randomBytes, _metrics);
            _paths = new PathReservations(RootMarker.FoldsCase(root) ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);
            var registry = HardlinkRegistry.Open(state, _metrics, _logger);
            var links = new FileLinker(_options, root, registry, _metrics, _time, _logger);
            _context = new StorageContext(_options, root, state, _paths, _metrics, _time, links)
            {
                Incarnation = _incarnation.Value,
                Health = new RootHealth(root, _time, _logger),
            };
            _paths.Wake += Wake;
            _context.Links.Wake += Wake;
            _context.Doubted += Doubt;
            _flusher = new StateFlusher(_time, _options.Current.FlushInterval, List, _logger);
            return ids;
        }
        catch
        {
            _incarnation = null;
            root?.Dispose();
            ReleaseState();
            throw;
        }
    }

    private void RecoverSuspect(InfoHash id, RecoveryMarks marks)
    {
        if (marks.Attempts[id] < RecoveryMarks.MaxAttempts)
        {
            RecoverOne(id, marks);
            return;
        }

        Log.SetAside(_logger, id, marks.Attempts[id]);
        Quarantine(id);
    }

    private void RecoverOne(InfoHash id, RecoveryMarks marks)
    {
        using var mark = marks.Enter(id);
        try
        {
            if (TryLoad(id) is { } storage && !storage.Recover(_incarnation!.IsNew))
            {
                _paths!.TryReserve(storage.Request.Manifest, GetPaths(storage.Request), storage.IsInPlace);
                Register(storage);
                if (!storage.Phase.IsComplete())
                {
                    storage.OfferLinks(); // a crash may have come between a file's name and its entry
                }
            }
        }
        catch (StorageException exception) when (exception.Fault != StorageFault.NewerState)
        {
            // One bad session never stops the others; its state is left as it is, for the next start or for a person.
            lock (_gate)
            {
                _unreadable.Add(id);
            }

            Log.NotRecovered(_logger, id, exception.Message);
        }
    }

    private TorrentStorage? TryLoad(InfoHash id)
    {
        var folder = new SessionFolder(_context!.State, id);
        byte[]? torrent;
        using (var handle = folder.Open())
        {
            RemoveTemporaries(handle);
            torrent = AtomicFile.Read(_files, handle, SessionFolder.TorrentName, MaxTorrentBytes);
            if (_files.Stat(handle, SessionJournal.FileName) is null)
            {
                // The state was being made or removed: nothing ever followed from it.
                folder.Remove();
                return null;
            }
        }

        if (torrent is not null && TryParse(torrent) is { } manifest && manifest.Id == id
            && SessionJournal.Open(folder, manifest, _metrics) is { } journal)
        {
            return new TorrentStorage(_context, MakeRequest(manifest, torrent, journal.State), folder, journal, _logger);
        }

        Quarantine(id);
        return null;
    }

    private static TorrentManifest? TryParse(byte[] torrent)
    {
        try
        {
            return TorrentManifest.Parse(torrent);
        }
        catch (TorrentFormatException)
        {
            return null;
        }
    }

    private static StoreRequest MakeRequest(TorrentManifest manifest, byte[] torrent, SessionState state) => new()
    {
        Source = state.Source,
        Peer = state.Peer,
        Manifest = manifest,
        Torrent = torrent,
        Selection = state.Selection!,
        Place = state.Place!,
        Parameters = state.Parameters,
        FileNames = [.. manifest.Files.Select(file => state.GetName(file.Index))],
        Identities = state.Identities,
        FilesDigest = state.FilesDigest,
    };

    private void RemoveTemporaries(FileHandle folder)
    {
        foreach (var name in _files.List(folder))
        {
            if (name.StartsWith(AtomicFile.TemporaryPrefix, StringComparison.Ordinal))
            {
                _files.Unlink(folder, name);
            }
        }
    }

    /// <summary>Sets damaged state aside, whole, where nothing reads it and nothing deletes it.</summary>
    private void Quarantine(InfoHash id)
    {
        using var target = _context!.State.EnsureFolder([QuarantineFolder]);
        using var source = _context.State.EnsureFolder([SessionFolder.Parent]);
        for (var number = 1; ; number++)
        {
            var name = $"{id}.{number}";
            if (_files.Stat(target, name) is null && _files.RenameNew(source, id.ToString(), target, name))
            {
                _files.SyncFolder(target);
                _files.SyncFolder(source);
                Log.Quarantined(_logger, id, $"{QuarantineFolder}/{name}");
                return;
            }
        }
    }
}
