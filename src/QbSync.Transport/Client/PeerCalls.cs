using Google.Protobuf;
using Grpc.Core;
using QbSync.Transport.Client.Connections;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Client;

/// <summary>
/// Makes calls on the control connection: with the session, a deadline and, when the peer does not know the session, a Hello and the same call once more.
/// What goes wrong is a <see cref="PeerException"/>, or a cancellation when the caller wanted it. Thread-safe.
/// </summary>
internal sealed class PeerCalls(ControlConnection control, CallSlots slots, string address, TimeProvider time)
{
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(10);

    // What has left here may still be on its way: the last megabyte of an upload is granted a link of 16 KiB/s.
    private const int OnTheWay = 1 << 20;
    private const int SlowestRate = 16 << 10;

    /// <param name="isSmall">Little goes either way: the time it takes tells of the way.</param>
    public Task<TReply> UnaryAsync<TRequest, TReply>(
        PeerSession session, Method<TRequest, TReply> method, TRequest request, CancellationToken cancellationToken, bool isSmall = false)
        where TRequest : class
        where TReply : class =>
        RunAsync(
            session,
            method.Name,
            async (_, call, _) =>
            {
                var began = time.GetTimestamp();
                using var unary = control.Invoker.AsyncUnaryCall(method, null, call, request);
                var reply = await unary.ResponseAsync.ConfigureAwait(false);
                if (isSmall)
                {
                    control.OnAnswered(began);
                }

                return reply;
            },
            cancellationToken);

    /// <summary>Sends parts one after the other. The deadline is for each of them, and for the answer.</summary>
    /// <param name="convert">Makes the result of the answer and the session it came in.</param>
    public Task<TResult> UploadAsync<TPart, TReply, TResult>(
        PeerSession session,
        Method<TPart, TReply> method,
        IEnumerable<TPart> parts,
        Func<TReply, PeerSessionHandle, TResult> convert,
        CancellationToken cancellationToken)
        where TPart : class, IMessage
        where TReply : class =>
        RunAsync(
            session,
            method.Name,
            async (handle, call, patience) =>
            {
                using var upload = control.Invoker.AsyncClientStreamingCall(method, null, call);
                await SendAsync(upload.RequestStream, parts, patience).ConfigureAwait(false);
                return convert(await upload.ResponseAsync.ConfigureAwait(false), handle);
            },
            cancellationToken);

    /// <summary>What a failed call means, unless the caller cancelled it.</summary>
    public Exception Explain(RpcException error, string verb, bool isLate, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return new OperationCanceledException(error.Message, error, cancellationToken);
        }

        return isLate
            ? new PeerException(PeerFault.Timeout, $"{verb}: no answer from the destination at {address} in time.", error)
            : StatusMapping.ToPeerException(error, verb, address);
    }

    private async Task<TResult> RunAsync<TResult>(
        PeerSession session,
        string verb,
        Func<PeerSessionHandle, CallOptions, CancellationTokenSource, Task<TResult>> run,
        CancellationToken cancellationToken)
    {
        for (var isRepeated = false; ; isRepeated = true)
        {
            var handle = await session.GetAsync(cancellationToken).ConfigureAwait(false);
            await slots.WaitAsync(cancellationToken).ConfigureAwait(false);
            using var patience = new CancellationTokenSource(AnswerTime, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
            try
            {
                return await run(handle, new CallOptions(handle.Headers, cancellationToken: either.Token), patience).ConfigureAwait(false);
            }
            catch (RpcException e) when (!isRepeated && StatusMapping.IsHelloNeeded(e))
            {
                session.Forget(handle);
            }
            catch (RpcException e)
            {
                throw Explain(e, verb, patience.IsCancellationRequested, cancellationToken);
            }
            catch (ObjectDisposedException e)
            {
                // Another call found the connection dead, or the remote destination was closed.
                throw new PeerException(PeerFault.Unreachable, $"{verb}: the connection to the destination at {address} was closed.", e);
            }
            finally
            {
                slots.Release();
            }
        }
    }

    private static async Task SendAsync<TPart>(IClientStreamWriter<TPart> stream, IEnumerable<TPart> parts, CancellationTokenSource patience)
        where TPart : class, IMessage
    {
        var sent = 0L;
        try
        {
            foreach (var part in parts)
            {
                patience.CancelAfter(AnswerTime);
                await stream.WriteAsync(part).ConfigureAwait(false);
                sent += part.CalculateSize();
            }

            patience.CancelAfter(AnswerTime + TimeSpan.FromSeconds((double)Math.Min(sent, OnTheWay) / SlowestRate));
            await stream.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is RpcException or InvalidOperationException)
        {
            // The peer answered before it had all: the answer says why.
        }
    }
}
