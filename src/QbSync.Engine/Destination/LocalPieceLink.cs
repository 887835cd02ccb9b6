using System.Buffers;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

/// <summary>
/// A link to a destination in the same process: copies chunk by chunk into the intake on the thread pool. Thread-safe. Chunk memory is rented for the
/// time of one piece and returned here.
/// </summary>
internal sealed class LocalPieceLink : IPieceLink
{
    /// <summary>As over a network: no more of a piece than this is in memory.</summary>
    private const int ChunkLength = 1 << 20;

    /// <summary>Pieces copied at the same time; more only compete for the same disk.</summary>
    private const int Streams = 4;

    private readonly IPieceIntake _intake;
    private readonly Caller _caller;
    private readonly IPieceLinkSink _sink;
    private readonly SemaphoreSlim _streams = new(Streams);
    private readonly CancellationTokenSource _closed = new();
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private long _bytesPerSecond;
    private long _freeAt;

    public LocalPieceLink(IPieceIntake intake, Caller caller, IPieceLinkSink sink, TimeProvider time)
    {
        (_intake, _caller, _sink, _time) = (intake, caller, sink, time);
        _sink.OnLinkChanged(true);
    }

    public int OpenStreams => _closed.IsCancellationRequested ? 0 : Streams;

    public void SetRateLimit(long bytesPerSecond)
    {
        lock (_gate)
        {
            _bytesPerSecond = bytesPerSecond;
            _freeAt = _time.GetTimestamp();
        }
    }

    public async ValueTask<SendOutcome> SendAsync(IChunkSource source, CancellationToken cancellationToken)
    {
        using var piece = source;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closed.Token);
        try
        {
            await _streams.WaitAsync(either.Token).ConfigureAwait(false);
            try
            {
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
                return await CopyAsync(source, either.Token).ConfigureAwait(false) is { } status ? Acknowledge(source, status) : SendOutcome.Cancelled;
            }
            finally
            {
                _streams.Release();
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return SendOutcome.Lost;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync().ConfigureAwait(false);
        for (var i = 0; i < Streams; i++)
        {
            await _streams.WaitAsync().ConfigureAwait(false);
        }

        _streams.Release(Streams);
        _sink.OnLinkChanged(false);
    }

    private SendOutcome Acknowledge(IChunkSource source, PieceAckStatus status)
    {
        _sink.OnAck(new PieceAck(source.Piece, source.Attempt, status, TimeSpan.Zero));
        return SendOutcome.Sent;
    }

    /// <summary>The answer for the piece, or null when its bytes are no longer what was verified.</summary>
    private async Task<PieceAckStatus?> CopyAsync(IChunkSource source, CancellationToken cancellationToken)
    {
        var status = _intake.Begin(_caller, source.Piece, source.Epoch, out var transfer);
        if (transfer is null)
        {
            return status;
        }

        using (transfer)
        {
            var buffer = ArrayPool<byte>.Shared.Rent(ChunkLength);
            try
            {
                foreach (var (offset, length) in source.Ranges)
                {
                    for (var done = 0; done < length && status == PieceAckStatus.Pending; done += ChunkLength)
                    {
                        var chunk = buffer.AsMemory(0, Math.Min(ChunkLength, length - done));
                        if (Reserve(chunk.Length) is var wait && wait > TimeSpan.Zero)
                        {
                            await Task.Delay(wait, _time, cancellationToken).ConfigureAwait(false);
                        }

                        if (!source.TryFill(offset + done, chunk.Span))
                        {
                            return null;
                        }

                        status = transfer.Write(offset + done, chunk.Span);
                    }
                }

                // The ranges are the whole piece, so an intake that still waits disagrees with the source about its length.
                return status == PieceAckStatus.Pending ? PieceAckStatus.Malformed : status;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    /// <summary>When the next bytes may pass: each chunk takes its time from where the one before ended.</summary>
    private TimeSpan Reserve(int bytes)
    {
        lock (_gate)
        {
            if (_bytesPerSecond <= 0)
            {
                return TimeSpan.Zero;
            }

            var now = _time.GetTimestamp();
            var start = Math.Max(now, _freeAt);
            _freeAt = start + (long)((double)bytes / _bytesPerSecond * _time.TimestampFrequency);
            return _time.GetElapsedTime(now, start);
        }
    }
}
