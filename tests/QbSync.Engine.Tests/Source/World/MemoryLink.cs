using System.Collections.Concurrent;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>A link in memory. Acks come at once, or when the test lets them; a cut loses what was not answered. Thread-safe.</summary>
internal sealed class MemoryLink(MemoryDestination destination, IPieceLinkSink sink, LinkPace pace) : IPieceLink
{
    private readonly Lock _gate = new();
    private readonly Lock _order = new();
    private readonly List<Answer> _held = [];
    private readonly Dictionary<PieceRef, int> _sends = [];
    private TaskCompletionSource _connected = Done();
    private bool _isConnected = true;
    private bool _isClosed;
    private int _nextStream;

    /// <summary>Whether acks wait for <see cref="Release"/>.</summary>
    public bool HoldsAcks { get; set; }

    /// <summary>What a piece is answered instead; null for the truth.</summary>
    public Func<PieceRef, PieceAckStatus?> OnPiece { get; set; } = destination.OnPiece;

    public TimeSpan RetryAfter { get; set; }

    public int OpenStreams => _isConnected ? pace.Streams : 0;

    /// <summary>Pieces in the order in which they were on the wire, and when.</summary>
    public ConcurrentQueue<(DateTimeOffset At, PieceRef Piece)> Sent { get; } = [];

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
        Answer answer;
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

            await pace.OnSending(source.Piece);
            var end = source.Ranges.Max(range => range.Offset + range.Length);
            var bytes = new byte[end];
            foreach (var (offset, length) in source.Ranges)
            {
                if (!source.TryFill(offset, bytes.AsSpan(offset, length)))
                {
                    return SendOutcome.Cancelled;
                }
            }

            await pace.PassAsync(end, cancellationToken);
            var forced = OnPiece(source.Piece);
            var status = forced ?? destination.Take(source.Piece, source.Epoch, bytes);
            lock (_gate)
            {
                if (!_isConnected || _isClosed)
                {
                    return SendOutcome.Lost;
                }

                _sends[source.Piece] = _sends.GetValueOrDefault(source.Piece) + 1;
                answer = new Answer(source.Piece, source.Attempt, status, _nextStream++ % pace.Streams);
                _held.Add(answer);
                Sent.Enqueue((pace.Now, source.Piece));
            }
        }

        if (pace.AckAfter > TimeSpan.Zero)
        {
            _ = AnswerLaterAsync(answer);
        }
        else if (!HoldsAcks)
        {
            Release();
        }

        return SendOutcome.Sent;
    }

    /// <summary>An answer of the test's own.</summary>
    public void Say(in PieceAck ack) => sink.OnAck(ack);

    /// <summary>Answers what waits for an answer.</summary>
    public void Release() => End(static _ => true, answer => sink.OnAck(new PieceAck(answer.Piece, answer.Attempt, answer.Status, RetryAfter)));

    /// <summary>Cuts one of the streams: what it carried is lost, the others go on.</summary>
    public void LoseStream(int stream) =>
        End(answer => answer.Stream == stream, answer => sink.OnLost(answer.Piece, answer.Attempt, PieceLossCause.StreamLost));

    /// <summary>Pieces without an answer on that stream.</summary>
    public IReadOnlyList<int> HeldOn(int stream)
    {
        lock (_gate)
        {
            return [.. _held.Where(answer => answer.Stream == stream).Select(static answer => answer.Piece.Index)];
        }
    }

    private void End(Func<Answer, bool> which, Action<Answer> end)
    {
        List<Answer> ended;
        lock (_gate)
        {
            ended = [.. _held.Where(which)];
            _held.RemoveAll(ended.Contains);
        }

        ended.ForEach(end);
    }

    private async Task AnswerLaterAsync(Answer answer)
    {
        await Task.Delay(pace.AckAfter, pace.Time!);
        End(held => held == answer, held => sink.OnAck(new PieceAck(held.Piece, held.Attempt, held.Status, RetryAfter)));
    }

    public void SetConnected(bool connected)
    {
        // The engine, too, dials and hangs up: what it is told comes in the order in which it happens.
        lock (_order)
        {
            List<Answer> lost = [];
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
            lost.ForEach(answer => sink.OnLost(answer.Piece, answer.Attempt, PieceLossCause.StreamLost));
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

    /// <summary>What closing waits for before the far end answers; then it answers what is in flight.</summary>
    public Task Answers { get; set; } = Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _isClosed = true;
        }

        // Closing waits for what is in flight: this far end answers it.
        await Answers;
        Release();
    }

    private sealed record Answer(PieceRef Piece, long Attempt, PieceAckStatus Status, int Stream);

    private static TaskCompletionSource Done()
    {
        var done = new TaskCompletionSource();
        done.SetResult();
        return done;
    }
}
