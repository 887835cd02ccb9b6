using Grpc.Core;
using QbSync.Transport.Client.Backoff;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Client;

/// <summary>
/// Keeps one slot's stream open: opens it, runs it, and opens its successor after a pause. While the link has no stream at all, one slot alone knocks and the
/// others follow its success, so that a destination that is down hears one try at a time. One task per slot runs it.
/// </summary>
internal sealed partial class LinkSlot(int slot, LinkParts link, SemaphoreSlim knock, Random random)
{
    private static readonly TimeSpan SteadyAfter = TimeSpan.FromSeconds(60);

    private readonly ReconnectBackoff _backoff = new(link.Options.ReconnectMaxDelay, random);
    private readonly List<Task> _settling = [];

    // Null between two streams; written by the slot's task, read at closing.
    private PieceStream? _stream;
    private bool _wasCut;

    /// <summary>Runs until <paramref name="stopOpening"/>; then an open stream goes on until it ends or <paramref name="stop"/> ends it.</summary>
    public async Task RunAsync(CancellationToken stopOpening, CancellationToken stop)
    {
        var isFirst = true;
        while (!stopOpening.IsCancellationRequested)
        {
            try
            {
                await OpenAndRunAsync(isFirst, stopOpening, stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopOpening.IsCancellationRequested)
            {
                break;
            }

            isFirst = false;
        }

        await Task.WhenAll(_settling).ConfigureAwait(false);
    }

    /// <summary>Half-closes the stream, if there is one. All its pieces were answered or given up.</summary>
    public Task FinishAsync() => Volatile.Read(ref _stream)?.FinishAsync() ?? Task.CompletedTask;

    private async Task OpenAndRunAsync(bool isFirst, CancellationToken stopOpening, CancellationToken stop)
    {
        var isKnocking = false;
        try
        {
            while (true)
            {
                if (!isFirst && await link.Dialing.PauseAsync(_backoff.Next(), link.Time, stopOpening).ConfigureAwait(false))
                {
                    _backoff.Reset();
                }

                isFirst = false;
                if (!isKnocking && link.Pool.OpenStreams == 0)
                {
                    await knock.WaitAsync(stopOpening).ConfigureAwait(false);
                    isKnocking = true;
                }

                if (isKnocking && link.Pool.OpenStreams > 0)
                {
                    isKnocking = false;
                    knock.Release();
                }

                await link.Dialing.WaitAsync(stopOpening).ConfigureAwait(false);
                using var connection = link.Connections.Create(slot);
                if (await TryOpenAsync(connection.Invoker, stop, stopOpening).ConfigureAwait(false) is not var (stream, accepted))
                {
                    continue;
                }

                using (stream)
                {
                    var running = stream.RunAsync(accepted);
                    if (isKnocking)
                    {
                        isKnocking = false;
                        knock.Release();
                    }

                    await EndAsync(stream, running).ConfigureAwait(false);
                    return;
                }
            }
        }
        finally
        {
            if (isKnocking)
            {
                knock.Release();
            }
        }
    }

    private async Task EndAsync(PieceStream stream, Task<StreamEnd> running)
    {
        if (_wasCut)
        {
            link.Metrics.StreamReplaced();
        }

        Log.PieceStreamOpened(link.Logger, slot);
        var openedAt = link.Time.GetTimestamp();
        Volatile.Write(ref _stream, stream);
        var cause = await running.ConfigureAwait(false);
        Volatile.Write(ref _stream, null);
        Log.PieceStreamEnded(link.Logger, slot, cause);
        _wasCut = cause != StreamEnd.Asked;
        if (stream.HasAcks || link.Time.GetElapsedTime(openedAt) >= SteadyAfter)
        {
            _backoff.Reset();
        }

        // A sink that blocks must not keep the slot from its next stream.
        _settling.RemoveAll(static task => task.IsCompleted);
        _settling.Add(stream.Settled);
    }

    private async Task<(PieceStream Stream, StreamAccepted Accepted)?> TryOpenAsync(
        CallInvoker invoker, CancellationToken stop, CancellationToken stopOpening)
    {
        PieceStream? stream = null;
        var began = link.Time.GetTimestamp();
        try
        {
            var session = await link.Session.GetAsync(stopOpening).ConfigureAwait(false);
            stream = new PieceStream(slot, link, invoker, session, stop);
            StreamAccepted accepted;
            try
            {
                // Opening ends with the link's closing, an open stream does not.
                await using var registration = stopOpening.UnsafeRegister(
                    static state => ((PieceStream)state!).End(StreamEnd.Asked), stream).ConfigureAwait(false);
                accepted = await stream.OpenAsync().ConfigureAwait(false);
            }
            catch (RpcException e) when (StatusMapping.IsHelloNeeded(e))
            {
                link.Session.Forget(session);
                throw;
            }

            return (stream, accepted);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            stream?.Dispose();
            stopOpening.ThrowIfCancellationRequested();
            link.Metrics.StreamOpenFailed();
            Log.PieceStreamNotOpened(link.Logger, slot, e.Message);
            link.Events.NotReached(e, link.Time.GetElapsedTime(began));
            return null;
        }
    }
}
