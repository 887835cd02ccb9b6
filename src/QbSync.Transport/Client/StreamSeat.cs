using Grpc.Core;
using QbSync.Transport.Client.Backoff;
using QbSync.Transport.Client.Connections;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Client;

/// <summary>
/// Keeps one stream of a connection open: opens it, runs it, and opens its successor after a pause. While the link has no stream at all, one seat alone knocks
/// and the others follow its success, so that a destination that is down hears one try at a time. One task per seat runs it. The other part: Leaving.
/// </summary>
internal sealed partial class StreamSeat
{
    private static readonly TimeSpan SteadyAfter = TimeSpan.FromSeconds(60);

    private readonly DataConnection _connection;
    private readonly LinkParts _link;
    private readonly SemaphoreSlim _knock;
    private readonly ReconnectBackoff _backoff;
    private readonly CancellationTokenSource _leaving;
    private readonly CancellationToken _stop;
    private readonly List<Task> _settling = [];

    // Null between two streams; written by the seat's task.
    private OpenStream? _stream;
    private bool _wasCut;

    /// <summary>Takes the seat: its stream comes up by itself.</summary>
    /// <param name="stopOpening">No more streams; an open one goes on until it ends or <paramref name="stop"/> ends it.</param>
    public StreamSeat(
        DataConnection connection, LinkParts link, SemaphoreSlim knock, Random random, CancellationToken stopOpening, CancellationToken stop)
    {
        _connection = connection;
        _link = link;
        _knock = knock;
        _backoff = new ReconnectBackoff(link.Options.ReconnectMaxDelay, random);
        _leaving = CancellationTokenSource.CreateLinkedTokenSource(stopOpening);
        _stop = stop;
        Ended = Task.Run(RunAsync, CancellationToken.None);
    }

    /// <summary>Ends when the seat has no stream any more and gets none.</summary>
    public Task Ended { get; }

    /// <summary>Whether its stream was accepted and has not ended.</summary>
    public bool IsOpen => Volatile.Read(ref _stream) is not null;

    private async Task RunAsync()
    {
        var isFirst = true;
        while (!_leaving.IsCancellationRequested)
        {
            try
            {
                await OpenAndRunAsync(isFirst, _leaving.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_leaving.IsCancellationRequested)
            {
                break;
            }

            isFirst = false;
        }

        await Task.WhenAll(_settling).ConfigureAwait(false);
        await _draining.ConfigureAwait(false);
        _leaving.Dispose();
    }

    private async Task OpenAndRunAsync(bool isFirst, CancellationToken stopOpening)
    {
        var isKnocking = false;
        try
        {
            while (true)
            {
                if (!isFirst && await _link.Dialing.PauseAsync(_backoff.Next(), _link.Time, stopOpening).ConfigureAwait(false))
                {
                    _backoff.Reset();
                }

                isFirst = false;
                if (!isKnocking && _link.Pool.OpenStreams == 0)
                {
                    await _knock.WaitAsync(stopOpening).ConfigureAwait(false);
                    isKnocking = true;
                }

                if (isKnocking && _link.Pool.OpenStreams > 0)
                {
                    isKnocking = false;
                    _knock.Release();
                }

                await _link.Dialing.WaitAsync(stopOpening).ConfigureAwait(false);
                if (await TryOpenAsync(stopOpening).ConfigureAwait(false) is not var (stream, accepted))
                {
                    continue;
                }

                using (stream)
                {
                    var open = Publish(stream);
                    var openedAt = _link.Time.GetTimestamp();
                    var running = stream.RunAsync(accepted);
                    if (isKnocking)
                    {
                        isKnocking = false;
                        _knock.Release();
                    }

                    End(stream, await running.ConfigureAwait(false), openedAt);
                    open.SetEnded();
                    return;
                }
            }
        }
        finally
        {
            if (isKnocking)
            {
                _knock.Release();
            }
        }
    }

    /// <summary>Shows a stream that the peer took, before the pool does: whoever sees it there may want it replaced, and finds its predecessor counted.</summary>
    private OpenStream Publish(PieceStream stream)
    {
        if (_wasCut)
        {
            _link.Metrics.StreamReplaced();
        }

        Log.PieceStreamOpened(_link.Logger, _connection.Slot);
        var open = new OpenStream(stream);
        Volatile.Write(ref _stream, open);

        // Told to leave between the peer's word and now: nobody saw this stream to drain it. At the link's own end the link drains all of them together.
        if (_leaving.IsCancellationRequested)
        {
            BeginDrain(StreamEnd.Asked);
        }

        return open;
    }

    private void End(PieceStream stream, StreamEnd cause, long openedAt)
    {
        Volatile.Write(ref _stream, null);
        Log.PieceStreamEnded(_link.Logger, _connection.Slot, cause);
        _wasCut = cause != StreamEnd.Asked;
        if (stream.HasAcks || _link.Time.GetElapsedTime(openedAt) >= SteadyAfter)
        {
            _backoff.Reset();
        }

        // A sink that blocks must not keep the seat from its next stream.
        _settling.RemoveAll(static task => task.IsCompleted);
        _settling.Add(stream.Settled);
    }

    private async Task<(PieceStream Stream, StreamAccepted Accepted)?> TryOpenAsync(CancellationToken stopOpening)
    {
        PieceStream? stream = null;
        var began = _link.Time.GetTimestamp();
        try
        {
            var session = await _link.Session.GetAsync(stopOpening).ConfigureAwait(false);
            stream = new PieceStream(_connection.Slot, _link, _connection.Invoker, session, _stop);
            StreamAccepted accepted;
            try
            {
                // Opening ends with the seat, an open stream does not.
                await using var registration = stopOpening.UnsafeRegister(
                    static state => ((PieceStream)state!).End(StreamEnd.Asked), stream).ConfigureAwait(false);
                accepted = await stream.OpenAsync().ConfigureAwait(false);
            }
            catch (RpcException e) when (StatusMapping.IsHelloNeeded(e))
            {
                _link.Session.Forget(session);
                throw;
            }

            var answers = session.AnswerWithin + Pooling.StreamPool.AnswerMargin;
            if (answers > _link.Options.PieceTimeout)
            {
                _link.Events.AnswersTakeLonger(answers, _link.Options.PieceTimeout);
            }

            return (stream, accepted);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            stream?.Dispose();
            stopOpening.ThrowIfCancellationRequested();
            if (!StatusMapping.IsRefusedIdentity(e))
            {
                _link.Metrics.StreamOpenFailed();
            }

            Log.PieceStreamNotOpened(_link.Logger, _connection.Slot, e.Message);
            _link.Events.NotReached(e, _link.Time.GetElapsedTime(began));
            return null;
        }
    }

    private sealed class OpenStream(PieceStream stream)
    {
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public PieceStream Stream => stream;

        /// <summary>Ends with it.</summary>
        public Task Ended => _ended.Task;

        public void SetEnded() => _ended.SetResult();
    }
}
