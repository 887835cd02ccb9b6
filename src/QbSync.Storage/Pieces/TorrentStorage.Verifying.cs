using QbSync.Pieces;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    private const long CheckpointBytes = 1L << 30;

    /// <inheritdoc />
    public async ValueTask<int> VerifyFileAsync(int fileIndex, IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        var (first, count) = Layout.GetPieces(GetSelected(fileIndex));
        return await Task.Run(() => VerifyAsync(fileIndex, first, count, bytesRead, cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    private async Task<int> VerifyAsync(int fileIndex, int first, int count, IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        var good = new PieceBitmap(_have.Length);
        var bad = new PieceBitmap(_have.Length);
        var notGood = 0;
        var checkpoint = CheckpointBytes;
        using var reader = NewReader();
        var scratch = _context.Scratch.Rent();
        try
        {
            for (var piece = first; piece < first + count; piece++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                switch (NeedsReadBack(piece))
                {
                    case null:
                        notGood++;
                        continue;
                    case false:
                        continue;
                }

                Layout.GetSegments(piece, scratch.Segments);
                var verdict = reader.Check(Layout.Manifest.GetPieceHash(piece), piece, scratch, ReadsFile);
                (verdict == PieceVerdict.Good ? good : bad).Set(piece);
                bytesRead?.Report(reader.BytesRead);
                if (reader.BytesRead >= checkpoint)
                {
                    checkpoint += CheckpointBytes;
                    notGood += await CommitVerifiedAsync(fileIndex, good, bad).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            _context.Scratch.Return(scratch);
        }

        notGood += await CommitVerifiedAsync(fileIndex, good, bad).ConfigureAwait(false);
        if (notGood == 0)
        {
            await CommitAsync(batch => batch.AddReadBack(fileIndex, _context.Time.GetUtcNow()), cancellationToken).ConfigureAwait(false);
        }

        return notGood;
    }

    /// <summary>Whether a piece has yet to be read back; null when it is not even held.</summary>
    private bool? NeedsReadBack(int piece)
    {
        lock (_gate)
        {
            return _have[piece] ? !_verified[piece] : null;
        }
    }

    /// <summary>Takes what was read so far into the journal and empties both. Number of pieces that are bad, or were lost or came anew while they were read.</summary>
    private Task<int> CommitVerifiedAsync(int fileIndex, PieceBitmap good, PieceBitmap bad) => RunInTurnAsync(
        () =>
        {
            var read = good.Count;
            lock (_gate)
            {
                var lost = 0;
                for (var piece = bad.NextSet(0); piece >= 0; piece = piece + 1 < bad.Length ? bad.NextSet(piece + 1) : -1)
                {
                    if (_have[piece])
                    {
                        Clear_NeedsLock(piece);
                        lost++;
                    }
                }

                _losses += lost > 0 ? 1UL : 0;
                good.Except(Complement(_durable));
                _verified.Or(good);
            }

            Commit(batch =>
            {
                batch.AddPieces(RecordType.PiecesCleared, bad);
                batch.AddPieces(RecordType.PiecesVerified, good);
            });
            lock (_gate)
            {
                _pendingClears.Except(bad);
                _durable.Except(bad);
            }

            if (bad.Count > 0)
            {
                Log.ReadBackFailed(_logger, _request.Manifest.Id, DescribeFile(fileIndex), bad.Count);
            }

            var notGood = read - good.Count + bad.Count;
            good.Except(good);
            bad.Except(bad);
            return Task.FromResult(notGood);
        },
        CancellationToken.None);

    private ContentReader NewReader() => new(
        _context.Files,
        OpenToRead,
        piece => _boundary.GetOffset(piece),
        () =>
        {
            using var folder = _folder.Open();
            return _context.Files.OpenFile(folder, SessionFolder.BoundaryName, writable: false);
        });

    /// <summary>Opens what stands for a file, by either name, if it still is that inode.</summary>
    private FileHandle? OpenToRead(int fileIndex)
    {
        if (_files[fileIndex].Record is not { } record || OpenFolderOf(fileIndex) is not { } folder)
        {
            return null;
        }

        using (folder)
        {
            foreach (var name in (ReadOnlySpan<string>)[_files[fileIndex].PartialName, GetFinalName(fileIndex)])
            {
                var handle = _context.Files.OpenFile(folder, name, writable: false);
                if (handle is null || record.IsInode(_context.Files.Stat(handle)))
                {
                    if (handle is not null)
                    {
                        return handle;
                    }

                    continue;
                }

                handle.Dispose();
            }
        }

        return null;
    }

    private Torrents.TorrentFile GetSelected(int fileIndex) => _files.ContainsKey(fileIndex)
        ? Layout.Manifest.Files[fileIndex]
        : throw new ArgumentOutOfRangeException(nameof(fileIndex), fileIndex, "The file is not selected.");

    private static PieceBitmap Complement(PieceBitmap bits)
    {
        var complement = bits.Clone();
        complement.SetComplement();
        return complement;
    }
}
