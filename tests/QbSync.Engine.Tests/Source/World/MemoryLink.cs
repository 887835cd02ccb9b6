using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>A link in memory. Acks come at once, or when the test lets them; a cut loses what was not answered. Thread-safe.</summary>
internal sealed class MemoryLink(MemoryDestination destination, IPieceLinkSink sink) : IPieceLink
{
    private readonly Lock _gate = new();
    private readonly List<(PieceRef Piece, long Attempt, PieceAckStatus Status)> _held = [];
    private readonly Dictionary<PieceRef, int> _sends = [];
    private TaskCompletionSource _connected = Done();
    private bool _isConnected = true;
    private bool _isClosed;

    /// <summary>Whether acks wait for <see cref="Release"/>.</summary>
    public bool HoldsAcks { get; set; }

    /// <summary>What a piece is answered instead; null for the truth.</summary>
    public Func<PieceRef, PieceAckStatus?> OnPiece { get; set; } = static _ => null;

    public TimeSpan RetryAfter { get; set; }

    public int OpenStreams => _isConnected ? 2 : 0;

    public int Sends
    {
        get
        {
            lock (_gate)
            {
                return _sends.Values.Sum();
            }
        }
    }

    /// <summary>What the engine said last about dialing.</summary>
    public bool MayDial { get; private set; } = true;

    /// <summary>The rate that the engine set last; null while it set none.</summary>
    public long? RateLimit { get; private set; }

    public int SendsOf(int piece)
    {
        lock (_gate)
        {
            return _sends.Where(sent => sent.Key.Index == piece).Sum(static sent => sent.Value);
        }
    }

    public int MostSendsOfOne
    {
        get
        {
            lock (_gate)
            {
                return _sends.Values.DefaultIfEmpty().Max();
            }
        }
    }

    public int Held
    {
        get
        {
            lock (_gate)
            {
                return _held.Count;
            }
        }
    }

    public async ValueTask<SendOutcome> SendAsync(IChunkSource source, CancellationToken cancellationToken)
    {
        using (source)
        {
            while (true)
            {
                Task connected;
                lock (_gate)
                {
                    connected = _connected.Task;
                }

                await connected.WaitAsync(cancellationToken);
                lock (_gate)
                {
                    if (_isConnected)
                    {
                        break;
                    }
                }
            }

            var end = source.Ranges.Max(range => range.Offset + range.Length);
            var bytes = new byte[end];
            foreach (var (offset, length) in source.Ranges)
            {
                if (!source.TryFill(offset, bytes.AsSpan(offset, length)))
                {
                    return SendOutcome.Cancelled;
                }
            }

            var forced = OnPiece(source.Piece);
            var status = forced ?? destination.Take(source.Piece, source.Epoch, bytes);
            lock (_gate)
            {
                if (!_isConnected || _isClosed)
                {
                    return SendOutcome.Lost;
                }

                _sends[source.Piece] = _sends.GetValueOrDefault(source.Piece) + 1;
                _held.Add((source.Piece, source.Attempt, status));
            }
        }

        if (!HoldsAcks)
        {
            Release();
        }

        return SendOutcome.Sent;
    }

    /// <summary>Answers what waits for an answer.</summary>
    public void Release()
    {
        List<(PieceRef Piece, long Attempt, PieceAckStatus Status)> answered;
        lock (_gate)
        {
            answered = [.. _held];
            _held.Clear();
        }

        foreach (var (piece, attempt, status) in answered)
        {
            sink.OnAck(new PieceAck(piece, attempt, status, RetryAfter));
        }
    }

    public void SetConnected(bool connected)
    {
        List<(PieceRef Piece, long Attempt, PieceAckStatus Status)> lost = [];
        lock (_gate)
        {
            if (_isConnected == connected || (connected && !MayDial))
            {
                return;
            }

            _isConnected = connected;
            if (connected)
            {
                _connected.TrySetResult();
            }
            else
            {
                _connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                lost = [.. _held];
                _held.Clear();
            }
        }

        sink.OnLinkChanged(connected);
        foreach (var (piece, attempt, _) in lost)
        {
            sink.OnLost(piece, attempt, PieceLossCause.StreamLost);
        }
    }

    public void SetRateLimit(long bytesPerSecond) => RateLimit = bytesPerSecond;

    public void SetDialing(bool allowed)
    {
        MayDial = allowed;
        if (allowed && !destination.IsDown)
        {
            SetConnected(true);
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _isClosed = true;
        }

        // Closing waits for what is in flight: this far end answers it.
        Release();
        return default;
    }

    private static TaskCompletionSource Done()
    {
        var done = new TaskCompletionSource();
        done.SetResult();
        return done;
    }
}
