using System.Collections.Concurrent;
using QbSync.Pieces;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    private const long CheckpointBytes = 1L << 30;

    // Two: more would take the cores from torrents that are still received.
    private const int MostReaders = 2;
    private const long LeastForMore = 32L << 20;

    private readonly ConcurrentDictionary<int, DateTimeOffset> _readBackAt = [];

    /// <summary>What changed since readings under way began, each its own.</summary>
    private readonly List<PieceBitmap> _readings = [];

    /// <inheritdoc />
    public async ValueTask<int> VerifyFileAsync(int fileIndex, IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        var (first, count) = Layout.GetPieces(GetSelected(fileIndex));
        return await Task.Run(() => VerifyAsync(fileIndex, first, count, bytesRead, cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    private async Task<int> VerifyAsync(int fileIndex, int first, int count, IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        var run = new VerifiedPieces(_have.Length);
        var notGood = 0;
        var nextBytes = CheckpointBytes;
        var since = _context.Time.GetTimestamp();
        using var crew = NewCrew(fileIndex);
        using var reading = BeginReading(run.Changed);
        var share = crew.GetShare(Layout.Manifest.PieceLength);
        List<int> due = new(share);
        try
        {
            for (var piece = first; piece < first + count; piece++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var needed = NeedsReadBack(piece, run.Changed);
                notGood += needed is null ? 1 : 0;
                if (needed is true)
                {
                    due.Add(piece);
                }

                if (due.Count == 0 || (due.Count < share && piece < first + count - 1))
                {
                    continue;
                }

                await crew.CheckAsync(due, run, cancellationToken).ConfigureAwait(false);
                due.Clear();
                bytesRead?.Report(crew.BytesRead);
                _context.Links.Progressed(Layout.Manifest.Id);
                if (crew.BytesRead >= nextBytes || _context.Time.GetElapsedTime(since) >= CheckpointInterval)
                {
                    nextBytes = crew.BytesRead + CheckpointBytes;
                    since = _context.Time.GetTimestamp();
                    notGood += await CommitVerifiedAsync(fileIndex, run).ConfigureAwait(false);
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or StorageException)
        {
            await CommitVerifiedAsync(fileIndex, run).ConfigureAwait(false); // what was read is not read again
            throw;
        }

        notGood += await CommitVerifiedAsync(fileIndex, run).ConfigureAwait(false);
        if (notGood == 0 && count > 0)
        {
            _readBackAt[fileIndex] = _context.Time.GetUtcNow(); // journaled with the file's name: a commit of its own for each small file would be felt
        }

        return notGood;
    }

    /// <summary>Has noted in a bitmap which pieces change, until what is returned is disposed.</summary>
    private Reading BeginReading(PieceBitmap changed)
    {
        lock (_gate)
        {
            _readings.Add(changed);
        }

        return new Reading(this, changed);
    }

    /// <summary>What was read of a piece says nothing any more.</summary>
    private void NoteChanged_NeedsLock(int piece)
    {
        foreach (var changed in _readings)
        {
            changed.Set(piece);
        }
    }

    /// <summary>Whether a piece has yet to be read back; null when it is not even held. Its reading begins: what changes from here on is noted.</summary>
    private bool? NeedsReadBack(int piece, PieceBitmap changed)
    {
        lock (_gate)
        {
            changed.Clear(piece);
            return _have[piece] ? !_verified[piece] : null;
        }
    }

    /// <summary>Takes what was read so far into the journal and empties it. Number of pieces that are bad, or were lost or came anew while they were read.</summary>
    private Task<int> CommitVerifiedAsync(int fileIndex, VerifiedPieces run) => RunInTurnAsync(
        () =>
        {
            var read = run.Good.Count + run.Bad.Count;
            if (read == 0 || _isDiscarded)
            {
                return Task.FromResult(read);
            }

            lock (_gate)
            {
                run.Keep(_durable);
                run.Drop(_dirty);
                run.Drop(_pendingClears);
                run.Drop(run.Changed);
            }

            var suspects = FindSuspects(run.Bad);
            Commit(batch =>
            {
                batch.AddPieces(RecordType.PiecesCleared, run.Bad);
                batch.AddPieces(RecordType.PiecesVerified, run.Good);
                AddTakingBack(batch, suspects);
            });
            lock (_gate)
            {
                run.Good.Except(run.Changed); // while the journal took them; the next flush says so
                _verified.Or(run.Good);
            }

            if (run.Bad.Count > 0)
            {
                Log.ReadBackFailed(_logger, _request.Manifest.Id, DescribeFile(fileIndex), run.Bad.Count);
                TakeBackAll(suspects, run.Bad);
            }

            var notGood = read - run.Good.Count;
            run.Clear();
            return Task.FromResult(notGood);
        },
        CancellationToken.None);

    /// <summary>Several readers only for what is worth it, and not where the device or another machine had better be read in order.</summary>
    private ReadBackCrew NewCrew(int fileIndex)
    {
        using var folder = OpenFolderOf(fileIndex);
        var isInOrder = GetSelected(fileIndex).Length < LeastForMore || _context.Options.ReadBack == ReadBackSource.Media || (folder is not null && _context.Files.IsNetwork(folder));
        return new ReadBackCrew(() => NewReadBack(OpenToVerify, fileIndex), isInOrder ? 1 : MostReaders);
    }

    private PieceReadBack NewReadBack(Func<int, FileHandle?> open, int fileIndex)
    {
        using var folder = OpenFolderOf(fileIndex);
        return new PieceReadBack(_context, Layout, () => NewReader(open), ReadsFile, folder is not null && _context.Files.IsNetwork(folder));
    }

    private ContentReader NewReader() => NewReader(OpenToRead);

    private ContentReader NewReader(Func<int, FileHandle?> open) => new(_context.Files, open, piece => _boundary.GetOffset(piece), OpenBoundary);

    /// <summary>Opens what stands for a file; where a person wants that, so that reading asks the device.</summary>
    private FileHandle? OpenToVerify(int fileIndex) => ForgetCached(OpenToRead(fileIndex));

    private FileHandle? ForgetCached(FileHandle? file)
    {
        if (file is not null && _context.Options.ReadBack == ReadBackSource.Media)
        {
            _context.Files.DropCache(file);
        }

        return file;
    }

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
                if (handle is null)
                {
                    continue;
                }

                if (record.IsInode(_context.Files.Stat(handle)))
                {
                    return handle;
                }

                handle.Dispose();
            }
        }

        return null;
    }

    private Torrents.TorrentFile GetSelected(int fileIndex) => _files.ContainsKey(fileIndex)
        ? Layout.Manifest.Files[fileIndex]
        : throw new ArgumentOutOfRangeException(nameof(fileIndex), fileIndex, "The file is not selected.");

    private sealed class Reading(TorrentStorage owner, PieceBitmap changed) : IDisposable
    {
        public void Dispose()
        {
            lock (owner._gate)
            {
                owner._readings.RemoveAll(one => ReferenceEquals(one, changed));
            }
        }
    }
}
