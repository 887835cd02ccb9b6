using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Storage.State;
using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

public sealed partial class TorrentStore
{
    /// <inheritdoc />
    public async ValueTask<StoreOpenOutcome> OpenAsync(StoreRequest request, CancellationToken cancellationToken)
    {
        var id = request.Manifest.Id;
        Opened(_context);
        lock (_gate)
        {
            if (_unreadable.Contains(id))
            {
                return new StoreOpenOutcome(null, new Refusal(RefusalReason.StorageError, "Its state could not be read at the start and is not overwritten."));
            }

            if (_torrents.ContainsKey(id) || !_opening.TryAdd(id, 0))
            {
                return new StoreOpenOutcome(null, new Refusal(RefusalReason.Busy, "The torrent is open already, or being opened."));
            }
        }

        StoreOpenOutcome? outcome = null;
        try
        {
            outcome = await Task.Run(() => Open(request), cancellationToken).ConfigureAwait(false);
            return outcome;
        }
        finally
        {
            if (outcome?.Storage is null)
            {
                _paths!.Release(id);
            }

            lock (_gate)
            {
                _opening.Remove(id);
            }
        }
    }

    private StoreOpenOutcome Open(StoreRequest request)
    {
        var survey = new ContentSurvey(_context!, request);
        var refusal = CheckNames(request) ?? CheckRoot() ?? ReservePaths(request) ?? survey.Run(static _ => true)
            ?? ReserveSpace(request.Manifest.Id, survey.RequiredBytes + GetBoundaryBytes(request));
        if (refusal is not null)
        {
            return new StoreOpenOutcome(null, refusal);
        }

        var storage = Create(request, survey);
        storage.BeginSettling(survey.Found);
        Register(storage);
        return new StoreOpenOutcome(storage, null);
    }

    private static Refusal? CheckNames(StoreRequest request)
    {
        foreach (var file in request.Manifest.Files)
        {
            IReadOnlyList<string> path = [.. request.Place.SubPath, .. request.FileNames[file.Index]];
            if (request.Selection.IsSelected(file.Index) && (request.FileNames[file.Index].Count == 0 || !SafePath.IsContentPath(path)))
            {
                return new Refusal(RefusalReason.PathRefused, $"File {file.Index} has a name that is not accepted: '{string.Join('/', path)}'.");
            }
        }

        return null;
    }

    private Refusal? CheckRoot() => _context!.Root.IsStillThere()
        ? null
        : new Refusal(RefusalReason.RootMissing, $"'{_context.Root.Path}' is not the folder that was opened at the start: a mount came or went.");

    private Refusal? ReservePaths(StoreRequest request)
    {
        var taken = _paths!.TryReserve(request.Manifest, GetPaths(request), static _ => false);
        if (taken is not { } conflict)
        {
            return null;
        }

        // What other peers have here is none of this one's business.
        var isOwn = conflict.Owner == request.Manifest.Id || FindPeer(conflict.Owner) == request.Peer;
        return new Refusal(
            RefusalReason.PathConflict, $"'{conflict.Path}' belongs to {(isOwn ? $"torrent {conflict.Owner}" : "a torrent of another source")}.");
    }

    private string? FindPeer(InfoHash torrent)
    {
        lock (_gate)
        {
            return _torrents.GetValueOrDefault(torrent)?.Request.Peer;
        }
    }

    /// <summary>Room for this torrent besides what the others will still take.</summary>
    private Refusal? ReserveSpace(InfoHash id, long required)
    {
        // What a torrent took of the device between the two looks at it is missing in one of them: the larger promise counts.
        long before;
        lock (_gate)
        {
            before = CountPromised_NeedsLock();
        }

        if (GetFreeBytes() is not { } free)
        {
            return null;
        }

        lock (_gate)
        {
            var available = free - _options.Current.MinFreeBytes - Math.Max(before, CountPromised_NeedsLock());
            if (required > 0 && required > available)
            {
                return new Refusal(
                    RefusalReason.NoSpace, $"{required} bytes are needed below '{_context!.Root.Path}'.", null, required, Math.Max(0, available));
            }

            _opening[id] = required;
            return null;
        }
    }

    /// <summary>Bytes that open torrents, and those being opened, will still take.</summary>
    private long CountPromised_NeedsLock() => _torrents.Values.Sum(static storage => storage.UnallocatedBytes) + _opening.Values.Sum();

    private TorrentStorage Create(StoreRequest request, ContentSurvey survey)
    {
        var folder = new SessionFolder(_context!.State, request.Manifest.Id);
        try
        {
            SaveTorrent(folder, request);
            var records = new RecordBatch();
            records.AddRequest(request);
            foreach (var (index, local) in survey.Found)
            {
                if (local is { Kind: LocalKind.Candidate, Record.Kind: OwnKind.Partial })
                {
                    records.AddUnsettled(index, local.Record);
                }
            }

            var journal = SessionJournal.Create(folder, request, records, _metrics);
            return new TorrentStorage(_context, request, folder, journal, _logger);
        }
        catch (StorageException)
        {
            TryRemove(folder);
            throw;
        }
    }

    private void SaveTorrent(SessionFolder folder, StoreRequest request)
    {
        try
        {
            using var handle = folder.Create();
            AtomicFile.Write(_files, handle, SessionFolder.TorrentName, request.Torrent.Span);
        }
        catch (StorageException)
        {
            _metrics.StateSaveFailed();
            throw;
        }
    }

    private static void TryRemove(SessionFolder folder)
    {
        try
        {
            folder.Remove();
        }
        catch (StorageException)
        {
            // A folder without a journal is removed at the next start.
        }
    }

    /// <summary>Bytes of unselected files that boundary pieces bring along.</summary>
    private static long GetBoundaryBytes(StoreRequest request)
    {
        var layout = new PieceLayout(request.Manifest, request.Selection);
        var segments = new List<PieceSegment>();
        var bytes = 0L;
        for (var piece = 0; piece < request.Manifest.PieceCount && layout.HasBoundaryPieces; piece++)
        {
            if (!layout.IsBoundary(piece))
            {
                continue;
            }

            layout.GetSegments(piece, segments);
            foreach (var segment in segments)
            {
                bytes += segment.IsPad || request.Selection.IsSelected(segment.FileIndex) ? 0 : segment.Length;
            }
        }

        return bytes;
    }

    private static IReadOnlyList<(string Path, int File)> GetPaths(StoreRequest request)
    {
        var paths = new List<(string, int)>(request.Selection.SelectedCount);
        foreach (var file in request.Manifest.Files)
        {
            if (request.Selection.IsSelected(file.Index))
            {
                paths.Add((ContentSurvey.GetPath(request, file.Index), file.Index));
            }
        }

        return paths;
    }
}
