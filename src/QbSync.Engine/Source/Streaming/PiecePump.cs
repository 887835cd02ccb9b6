using System.Buffers;
using Microsoft.Extensions.Logging;
using QbSync.Engine.Shared;
using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Engine.Source.Streaming;

/// <summary>
/// Workers that take pieces from the scheduler, read and verify them, and hand them to the link. A worker is free again when the link took the last
/// chunk, not at the ack. Owns its workers; stop it before the link.
/// </summary>
internal sealed partial class PiecePump(
    SourceOptions options,
    StreamScheduler scheduler,
    PieceAcks acks,
    CapacityHold capacity,
    IPieceReader reader,
    MonotonicClock clock,
    Chance chance,
    AsyncPulse pulse,
    ILogger<PiecePump> logger)
{
    // A second pass reads straight into the link's chunks; this stands for what the link holds of them.
    private const int RereadReserve = 1 << 20;
    private static readonly TimeSpan LinkPause = TimeSpan.FromMilliseconds(250);
    private readonly ReadAheadBudget _budget = new(options.ReadAhead);
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _aborting = new();
    private readonly List<Task> _workers = [];

    /// <summary>Workers that run. Called by the loop alone.</summary>
    public int WorkerCount => _workers.Count;

    /// <summary>Starts workers until there are as many as asked for, and one for each open stream. Called by the loop alone.</summary>
    public void EnsureWorkers(IPieceLink link)
    {
        var wanted = Math.Max(options.NumSenders, link.OpenStreams);
        while (_workers.Count < wanted)
        {
            _workers.Add(Task.Run(() => WorkAsync(link)));
        }
    }

    /// <summary>Lets the workers end the piece in hand; after <paramref name="grace"/>, or at once in a hurry, what they hold is given up.</summary>
    public async Task StopAsync(TimeSpan grace, CancellationToken hurry)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        pulse.Pulse();
        var ended = Task.WhenAll(_workers);
        try
        {
            await ended.WaitAsync(grace, clock.Provider, hurry).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            await _aborting.CancelAsync().ConfigureAwait(false);
            await ended.ConfigureAwait(false);
        }
    }

    private async Task WorkAsync(IPieceLink link)
    {
        List<PieceSegment> scratch = [];
        while (!_stopping.IsCancellationRequested)
        {
            var next = pulse.Next;
            if (!scheduler.TryNext(clock.Now, out var job))
            {
                await next.ConfigureAwait(false);
                continue;
            }

            try
            {
                await SendAsync(link, job, scratch).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (job.Grant.IsVoid || _aborting.IsCancellationRequested)
            {
                job.Stream.Table.Return(job.Piece, job.Attempt);
                capacity.TryEnded();
            }
            catch (PeerException e)
            {
                Log.LinkFailed(logger, e.Message);
                job.Stream.Table.Return(job.Piece, job.Attempt);
                capacity.TryEnded();
                await clock.DelayAsync(LinkPause, _stopping.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // A fault of one torrent's reader stays with that piece: it backs off, the others go on.
                Log.PieceFailed(logger, new PieceRef(job.Stream.Id, job.Piece), e);
                PutOff(job);
                acks.Raise(job.Stream, SyncEdges.ReaderFault);
            }
            finally
            {
                // Given up while it was read: the reader may have opened a file again after it was told to close them.
                if (job.Stream.IsClosed)
                {
                    reader.Forget(job.Stream.Id);
                }
            }
        }
    }

    private async ValueTask SendAsync(IPieceLink link, PieceJob job, List<PieceSegment> scratch)
    {
        var (stream, grant, piece, attempt) = job;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(grant.Token, _aborting.Token);
        var source = await ReadAsync(job, scratch, either.Token).ConfigureAwait(false);
        if (source is null)
        {
            return;
        }

        var payload = 0;
        foreach (var (_, length) in source.Ranges)
        {
            payload += length;
        }

        if (!stream.Table.TryLaunch(piece, attempt, payload))
        {
            source.Dispose();
            capacity.TryEnded();
            return;
        }

        switch (await link.SendAsync(source, either.Token).ConfigureAwait(false))
        {
            case SendOutcome.Sent:
                break;
            case SendOutcome.Cancelled:
                PutOff(job);
                break;
            case SendOutcome.Lost:
                stream.Table.Return(piece, attempt);
                capacity.TryEnded();
                break;
        }
    }

    private async ValueTask<IChunkSource?> ReadAsync(PieceJob job, List<PieceSegment> scratch, CancellationToken cancellationToken)
    {
        var (stream, grant, piece, attempt) = job;
        var location = stream.Location;
        var length = location.Manifest.GetPieceLength(piece);
        var isLarge = length > options.ReadAhead / 4;
        var reserve = isLarge ? RereadReserve : length;
        await _budget.ReserveAsync(reserve, cancellationToken).ConfigureAwait(false);
        var buffer = isLarge ? null : ArrayPool<byte>.Shared.Rent(length);
        IChunkSource? source = null;
        try
        {
            if (!stream.Table.TryRead(piece, attempt))
            {
                capacity.TryEnded();
                return null;
            }

            var status = buffer is null
                ? reader.Verify(location, piece, cancellationToken)
                : reader.ReadVerified(location, piece, buffer.AsSpan(0, length));
            if (status != PieceReadStatus.Read)
            {
                Log.PieceUnread(logger, new PieceRef(stream.Id, piece), status);
                var absent = status == PieceReadStatus.Missing ? FindAbsent(stream, location, piece, scratch) : null;
                PutOff(job, counts: status != PieceReadStatus.Failed && absent is null);
                if (status == PieceReadStatus.Missing)
                {
                    if (absent is { } file)
                    {
                        stream.NoteAbsent(file, clock.Now);
                    }

                    acks.Raise(stream, SyncEdges.FilesMissing);
                }

                return null;
            }

            var ranges = PieceRanges.Of(stream.Layout, piece, scratch);
            var reference = new PieceRef(stream.Id, piece);
            return source = buffer is null
                ? new RereadPiece(reader, location, reference, grant.Epoch, attempt, ranges, reserve, _budget)
                : new BufferedPiece(reference, grant.Epoch, attempt, ranges, buffer, reserve, _budget);
        }
        finally
        {
            if (source is null)
            {
                if (buffer is not null)
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                }

                _budget.Release(reserve);
            }
        }
    }

    /// <summary>
    /// A selected file of the piece that is not there: its disk may be unmounted, or its user may have taken it away, and neither is a fault of what the torrent
    /// is. Null where all are there: then it is the client's own place for bytes of unselected files that lacks them.
    /// </summary>
    private int? FindAbsent(PieceStream stream, ContentLocation location, int piece, List<PieceSegment> scratch)
    {
        var selection = stream.Layout.Selection;
        stream.Layout.GetSegments(piece, scratch);
        foreach (var segment in scratch)
        {
            if (!segment.IsPad && selection.IsSelected(segment.FileIndex) && reader.Identify(location, segment.FileIndex) is null)
            {
                return segment.FileIndex;
            }
        }

        return null;
    }

    private void PutOff(PieceJob job, bool counts = true)
    {
        capacity.TryEnded();
        if (job.Stream.Table.ReturnUnread(job.Piece, job.Attempt, clock.Now, chance.Next(), counts))
        {
            acks.Raise(job.Stream, SyncEdges.SourceCorrupt);
        }
    }
}
