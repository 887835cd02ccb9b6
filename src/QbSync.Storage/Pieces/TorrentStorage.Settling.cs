using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Storage.Hardlinks;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    private static readonly TimeSpan CheckpointInterval = TimeSpan.FromSeconds(30);

    /// <inheritdoc />
    public async ValueTask<SettleOutcome> SettleAsync(IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        if (_isClosed || (!IsUnsettled && !HasChangedFiles()))
        {
            return new SettleOutcome(0, 0, false, null);
        }

        PieceBitmap have;
        PieceBitmap deferred;
        lock (_gate)
        {
            (have, deferred) = (_have.Clone(), _deferred.Clone());
        }

        await Task.Run(() => DecideAsync(bytesRead, cancellationToken), cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            var now = _have.Clone();
            deferred.Except(now);
            deferred.Except(_deferred);
            now.Except(have);
            var conflict = _files.Values.FirstOrDefault(static file => file.Local is { Kind: LocalKind.Conflict });
            return new SettleOutcome(
                now.Count, deferred.Count, IsUnsettled, conflict is null ? null : new ContentSurvey(_context, _request).Conflict(conflict.Index));
        }
    }

    private bool HasChangedFiles()
    {
        lock (_gate)
        {
            return _changedFiles.Count > 0;
        }
    }

    private async Task DecideAsync(IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        await TurnAsideChangedAsync(cancellationToken).ConfigureAwait(false);
        List<StoredFile> undecided = [.. _files.Values.Where(static file => file.Local is not null).OrderBy(static file => file.Index)];
        foreach (var file in undecided)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (file.Local is { Kind: not LocalKind.Candidate })
            {
                await LookAgainAsync(file).ConfigureAwait(false);
            }
        }

        // Before anything is found: what is held now has its slices aside, and those come into the file first.
        foreach (var file in undecided)
        {
            if (file is { IsParked: true, Local: { Kind: LocalKind.Candidate, Record.Kind: OwnKind.Partial } partial })
            {
                await RunInTurnAsync(
                    async () =>
                    {
                        await ReturnPartialAsync(file, partial.Record).ConfigureAwait(false);
                        return 0;
                    },
                    CancellationToken.None).ConfigureAwait(false);
            }
        }

        using var run = new ContentSettler(this, _context, _request, Layout, bytesRead);
        using var reading = BeginReading(run.Changed);
        foreach (var file in undecided)
        {
            if (file.Local is { Kind: LocalKind.Candidate })
            {
                await SettleFileAsync(run, file, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Somebody may have moved a file away, or a writer may have come to an end.</summary>
    private async Task LookAgainAsync(StoredFile file)
    {
        var survey = new ContentSurvey(_context, _request);
        var local = survey.Look(file.Index);
        if (local is { Kind: LocalKind.Candidate } && file.Local is { Kind: LocalKind.Conflict } known && known.Record.Inode == local.Record.Inode
            && known.Record.Length == local.Record.Length && known.Record.ModifiedNanoseconds == local.Record.ModifiedNanoseconds)
        {
            return; // still what was read before
        }

        local ??= await LinkAsync(file).ConfigureAwait(false);
        if (local is not null)
        {
            lock (_gate)
            {
                file.Local = local;
            }

            return;
        }

        await DecideInTurnAsync(file).ConfigureAwait(false);
    }

    /// <summary>Asks for a verified file of the same identity: one to link to, one to wait for, or null to receive it.</summary>
    private async Task<LocalContent?> LinkAsync(StoredFile file)
    {
        var step = BeginLink(file.Index);
        if (step == LinkStep.Linkable)
        {
            var record = await RunInTurnAsync(() => Task.FromResult(TryLink(file)), CancellationToken.None).ConfigureAwait(false);
            if (record is not null)
            {
                return new LocalContent(LocalKind.Candidate, file.PartialName, record);
            }

            step = BeginLink(file.Index); // it could not be had: the entry is gone, so this torrent may be its writer now
        }

        if (step != LinkStep.Waits)
        {
            return null;
        }

        if (!IsWholeHeld(file))
        {
            return LocalContent.Waiting;
        }

        // All of it came with pieces that lie in other files too: what its writer does, or never does, is nothing to it.
        _context.Links.Demote(_request.Manifest.Id, file.Index);
        return null;
    }

    private FileRecord? TryLink(StoredFile file)
    {
        using var folder = EnsureFolderOf(file);
        return _context.Links.TryLink(_request.Manifest.Id, file.Index, folder, file.PartialName);
    }

    private Task DecideInTurnAsync(StoredFile file) => RunInTurnAsync(
        async () =>
        {
            await BecomeWritableAsync(file).ConfigureAwait(false);
            TellIfWhole(file);
            return 0;
        },
        CancellationToken.None);

    private void TellIfWhole(StoredFile file)
    {
        bool isWhole;
        lock (_gate)
        {
            isWhole = _missing[file.Index] == 0 && file.Local is null;
        }

        if (isWhole)
        {
            FileWhole?.Invoke(file.Index);
        }
    }

    /// <summary>Reads a candidate to its end, or to the first piece that says that it is not the file.</summary>
    private async Task SettleFileAsync(ContentSettler run, StoredFile file, CancellationToken cancellationToken)
    {
        var local = file.Local!;
        if (!run.TryOpen(file.Index))
        {
            await LookAgainAsync(file).ConfigureAwait(false);
            return;
        }

        var mayBeWrong = local.Record.Kind != OwnKind.Partial;
        var (first, count) = Layout.GetPieces(Layout.Manifest.Files[file.Index]);
        for (var piece = first; piece < first + count; piece++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (run.Look(piece, file.Index) == PieceVerdict.Bad && mayBeWrong && run.IsCertain)
            {
                await RejectAsync(run, file).ConfigureAwait(false);
                return;
            }

            if (run.IsDue(CheckpointBytes, CheckpointInterval))
            {
                await CommitFoundAsync(run, file).ConfigureAwait(false);
            }
        }

        await CommitFoundAsync(run, file).ConfigureAwait(false);
        await AcceptLocalAsync(run, file).ConfigureAwait(false);
    }

    /// <summary>The file is what it should be, or ours in part.</summary>
    private async Task AcceptLocalAsync(ContentSettler run, StoredFile file)
    {
        var local = file.Local!;
        var isWrong = await RunInTurnAsync(
            async () =>
            {
                if (local.Record.Kind == OwnKind.Partial)
                {
                    await BecomeWritableAsync(file).ConfigureAwait(false);
                    BeginLink(file.Index);
                    return false;
                }

                Commit(batch => batch.AddFile(RecordType.FileState, file.Index, local.Record));
                while (FindUnchecked(run, file) is { } piece)
                {
                    // A held piece whose slice of this file was kept aside while the file was read.
                    if (run.LookAtHeld(piece, file.Index) != PieceVerdict.Good)
                    {
                        return true;
                    }
                }

                return false;
            },
            CancellationToken.None).ConfigureAwait(false);
        if (isWrong)
        {
            await RejectAsync(run, file).ConfigureAwait(false);
            return;
        }

        TellIfWhole(file);
    }

    /// <summary>A held piece that lies in other files too and was not hashed with the candidate; with none left, the candidate is taken.</summary>
    private int? FindUnchecked(ContentSettler run, StoredFile file)
    {
        var (first, count) = Layout.GetPieces(Layout.Manifest.Files[file.Index]);
        lock (_gate)
        {
            for (var piece = first; piece < first + count; piece++)
            {
                if (_have[piece] && !run.Checked[piece] && run.IsShared(piece))
                {
                    return piece;
                }
            }

            file.Record = file.Local!.Record;
            file.IsExpected = false;
            Decide_NeedsLock(file);
            return null;
        }
    }
}
