using Grpc.Core;
using QbSync.Transport.Client.Connections;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Client;

/// <summary>One Watch. A peer that says nothing for thirty seconds is lost. Not thread-safe: its reader owns it.</summary>
internal sealed class PeerWatch(ControlConnection control, PeerSession session, PeerCalls calls, string address, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan SilentTime = TimeSpan.FromSeconds(30);
    private readonly CancellationTokenSource _silence = new(SilentTime, time);
    private AsyncServerStreamingCall<WatchUpdate>? _call;
    private CancellationTokenSource? _either;

    public WatchUpdate Current => _call!.ResponseStream.Current;

    /// <summary>Waits for the next update.</summary>
    /// <exception cref="PeerException">The peer is lost, or ended the watch.</exception>
    public async ValueTask MoveAsync(CancellationToken cancellationToken)
    {
        _silence.CancelAfter(SilentTime);
        for (var isRepeated = _call is not null; ; isRepeated = true)
        {
            var handle = _call is null ? await OpenAsync(cancellationToken).ConfigureAwait(false) : null;
            try
            {
                if (await _call!.ResponseStream.MoveNext(_either!.Token).ConfigureAwait(false))
                {
                    return;
                }

                throw new PeerException(PeerFault.Unreachable, $"Watch: the destination at {address} ended it.");
            }
            catch (RpcException e) when (!isRepeated && StatusMapping.IsHelloNeeded(e))
            {
                session.Forget(handle!);
                Close();
            }
            catch (RpcException e)
            {
                throw calls.Explain(e, "Watch", _silence.IsCancellationRequested, cancellationToken);
            }
        }
    }

    public void Dispose()
    {
        Close();
        _silence.Dispose();
    }

    private async Task<PeerSessionHandle> OpenAsync(CancellationToken cancellationToken)
    {
        var handle = await session.GetAsync(cancellationToken).ConfigureAwait(false);
        _either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _silence.Token);
        _call = control.Invoker.AsyncServerStreamingCall(
            SyncMethods.Watch, null, new CallOptions(handle.Headers, cancellationToken: _either.Token), new WatchRequest());
        return handle;
    }

    private void Close()
    {
        _call?.Dispose();
        _either?.Dispose();
        (_call, _either) = (null, null);
    }
}
