using System.Threading.Channels;
using Grpc.Core;
using QbSync.Outcomes;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Server;

/// <summary>
/// Tells one source what was received, answered and granted, in batches: at once, or a moment after the last one. Its reader and its worker report from
/// any thread; <see cref="RunAsync"/> is the only writer of the stream.
/// </summary>
internal sealed class AckWriter(
    IServerStreamWriter<DestinationFrame> answers, ReceiveBudget budget, TransportMetrics metrics, TimeSpan delay, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly List<ulong> _accepted = [];
    private readonly List<ulong> _held = [];
    private readonly List<(ulong Transfer, PieceAckStatus Status, TimeSpan RetryAfter)> _rejected = [];
    private readonly AckBatch _batch = new();
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite }); // 1: a flag, not a queue
    private long _newestChunk;
    private (long Received, long Granted, long Returns) _told;

    /// <summary>A chunk came off the stream.</summary>
    public void Received()
    {
        Volatile.Write(ref _newestChunk, time.GetTimestamp());
        Wake();
    }

    /// <param name="retryAfter">When to try again; zero leaves it to the source.</param>
    /// <param name="isWhole">The piece's last chunk has come, so that with this answer it counts as received.</param>
    public void Answer(ulong transfer, PieceAckStatus status, TimeSpan retryAfter = default, bool isWhole = false)
    {
        if (!status.IsSuccess())
        {
            metrics.PieceRejected(status); // before the answer can be read
        }

        if (isWhole)
        {
            metrics.PieceReceived();
        }

        lock (_gate)
        {
            switch (status)
            {
                case PieceAckStatus.Accepted:
                    _accepted.Add(transfer);
                    break;
                case PieceAckStatus.Held:
                    _held.Add(transfer);
                    break;
                default:
                    _rejected.Add((transfer, status, retryAfter));
                    break;
            }
        }

        Wake();
    }

    /// <summary>The last chunk of a piece came after its answer.</summary>
    public void CameWhole() => metrics.PieceReceived();

    /// <summary>There may be something to tell.</summary>
    public void Wake() => _signal.Writer.TryWrite(true);

    /// <summary>Lets <see cref="RunAsync"/> end after a last batch.</summary>
    public void Complete() => _signal.Writer.TryComplete();

    public async Task RunAsync(BudgetShare share, ulong maxInFlight, CancellationToken cancellationToken)
    {
        _told = budget.Read(share);
        var accepted = new StreamAccepted { Credit = (ulong)_told.Granted, MaxInFlight = maxInFlight };
        await answers.WriteAsync(new DestinationFrame { Accepted = accepted }, cancellationToken).ConfigureAwait(false);
        var frame = new DestinationFrame { Acks = _batch };
        var last = time.GetTimestamp();
        while (await _signal.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var wait = delay - time.GetElapsedTime(last);
            if (wait > TimeSpan.Zero)
            {
                // Timers cut to whole milliseconds: rounded down, there would be twice as many batches.
                await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)), time, cancellationToken).ConfigureAwait(false);
            }

            _signal.Reader.TryRead(out _);
            if (FillBatch(share))
            {
                await answers.WriteAsync(frame, cancellationToken).ConfigureAwait(false);
                last = time.GetTimestamp();
            }
        }

        if (FillBatch(share))
        {
            await answers.WriteAsync(frame, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Puts what is new into the batch; false when there is nothing.</summary>
    private bool FillBatch(BudgetShare share)
    {
        var newest = Volatile.Read(ref _newestChunk);
        var now = budget.Read(share);
        _batch.Accepted.Clear();
        _batch.Held.Clear();
        _batch.Nack.Clear();
        lock (_gate)
        {
            _batch.Accepted.AddRange(_accepted);
            _batch.Held.AddRange(_held);
            foreach (var (transfer, status, retryAfter) in _rejected)
            {
                _batch.Nack.Add(new Nack { Transfer = transfer, Status = (AckStatus)status, RetryAfterMs = (ulong)retryAfter.TotalMilliseconds });
            }

            _accepted.Clear();
            _held.Clear();
            _rejected.Clear();
        }

        if (now == _told && _batch.Accepted.Count + _batch.Held.Count + _batch.Nack.Count == 0)
        {
            return false;
        }

        _told = now;
        _batch.Received = (ulong)now.Received;
        _batch.Credit = (ulong)now.Granted;
        _batch.Returns = (ulong)now.Returns;
        _batch.DelayUs = newest == 0 ? 0 : (ulong)time.GetElapsedTime(newest).TotalMicroseconds;
        return true;
    }
}
