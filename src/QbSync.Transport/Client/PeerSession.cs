using Grpc.Core;
using Microsoft.Extensions.Logging;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Transport.Client.Connections;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Client;

/// <summary>Says Hello for one caller, one at a time whoever waits for it, and keeps the session that it gave. Thread-safe.</summary>
internal sealed partial class PeerSession(
    ControlConnection control,
    CallSlots slots,
    Caller caller,
    LocalNode self,
    WireVersions versions,
    string address,
    TransportMetrics metrics,
    ILogger<PeerSession> logger,
    TimeProvider time) : IPeerSession
{
    private const string Software = "qbsync";
    private const int LeastChunk = 16 << 10;

    // The end of the year 9999, beyond which no date can be made.
    private const long LastClock = 253_402_300_800_000;
    private static readonly TimeSpan HelloTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DefaultAnswerTime = TimeSpan.FromSeconds(45);
    private readonly Lock _gate = new();
    private PeerSessionHandle? _current;
    private Task<PeerSessionHandle>? _hello;
    private ulong? _incarnation;

    public int MostConnections { get; private set; } = int.MaxValue;

    public int MostStreams { get; private set; } = int.MaxValue;

    /// <summary>The session; when there is none, that of a Hello.</summary>
    public async ValueTask<PeerSessionHandle> GetAsync(CancellationToken cancellationToken)
    {
        Task<PeerSessionHandle> hello;
        lock (_gate)
        {
            // Under one lock: a Hello that ends between two looks would be followed by another.
            if (_current is { } current)
            {
                return current;
            }

            hello = JoinHello_NeedsLock();
        }

        return await hello.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Says Hello, or waits for the one that is being said.</summary>
    public async ValueTask<PeerSessionHandle> RenewAsync(CancellationToken cancellationToken)
    {
        Task<PeerSessionHandle> hello;
        lock (_gate)
        {
            hello = JoinHello_NeedsLock();
        }

        return await hello.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public void Forget(PeerSessionHandle session)
    {
        lock (_gate)
        {
            if (_current == session)
            {
                _current = null;
            }
        }
    }

    // On the pool, so that nothing of the call runs under the lock; not cancelled by its first caller, since others may wait for it.
    private Task<PeerSessionHandle> JoinHello_NeedsLock() => _hello ??= Task.Run(SayHelloAsync, CancellationToken.None);

    private async Task<PeerSessionHandle> SayHelloAsync()
    {
        PeerSessionHandle handle;
        try
        {
            handle = await CallAsync().ConfigureAwait(false);
        }
        catch
        {
            lock (_gate)
            {
                _hello = null;
            }

            throw;
        }

        bool isNew;
        lock (_gate)
        {
            (_hello, _current) = (null, handle);
            (MostConnections, MostStreams) = (handle.MostConnections, handle.MostStreams);
            isNew = _incarnation is { } known && known != handle.Incarnation;
            _incarnation = handle.Incarnation;
        }

        Log.HelloSaid(logger, address, handle.Software, handle.Incarnation);
        if (isNew)
        {
            Log.IncarnationChanged(logger, address, handle.Incarnation);
        }

        return handle;
    }

    private async Task<PeerSessionHandle> CallAsync()
    {
        var request = new HelloRequest
        {
            Lowest = versions.Lowest,
            Highest = versions.Highest,
            NodeId = WireMapping.ToWire(self.Id),
            Name = WireMapping.Cut(caller.Name),
            SourceId = WireMapping.ToWire(caller.Source.ToByteArray()),
            Incarnation = caller.Incarnation,
            LeaseEpoch = caller.LeaseEpoch,
            Software = Software,
            ClockMs = time.GetUtcNow().ToUnixTimeMilliseconds(),
        };
        request.Capability.Add(versions.Capabilities);
        using var patience = new CancellationTokenSource(HelloTime, time);
        var began = time.GetTimestamp();
        CallInvoker? invoker = null;
        try
        {
            invoker = control.Invoker;
            using var call = invoker.AsyncUnaryCall(SyncMethods.Hello, null, new CallOptions(cancellationToken: patience.Token), request);
            var reply = await call.ResponseAsync.ConfigureAwait(false);
            control.OnAnswered(began);
            return ToHandle(reply);
        }
        catch (RpcException e) when (patience.IsCancellationRequested)
        {
            control.Suspect(invoker!, began);
            throw new PeerException(PeerFault.Timeout, $"Hello: no answer from the destination at {address} in time.", e);
        }
        catch (ObjectDisposedException e)
        {
            throw new PeerException(PeerFault.Unreachable, $"Hello: the connection to the destination at {address} was closed.", e);
        }
        catch (RpcException e)
        {
            var error = StatusMapping.ToPeerException(e, "Hello", address);
            if (StatusMapping.IsRefusedByPeer(e))
            {
                metrics.PeerRefused();
            }

            throw error;
        }
    }

    private PeerSessionHandle ToHandle(HelloReply reply)
    {
        if (reply.Refusal is not null)
        {
            var refusal = WireMapping.ToDomain(reply.Refusal);
            throw new PeerException(ToFault(refusal.Reason), $"The destination at {address} refused: {refusal.Reason}. {refusal.Detail}".TrimEnd());
        }

        if (reply.Protocol < versions.Lowest || reply.Protocol > versions.Highest || reply.Session.Length != SyncLimits.SessionBytes)
        {
            throw WireMapping.Malformed($"Hello was answered with protocol {reply.Protocol} and a session of {reply.Session.Length} bytes");
        }

        if (self.Is(reply.NodeId.Span))
        {
            throw new PeerException(PeerFault.IsSelf, $"The destination at {address} is this very node: destination-addr leads back here.");
        }

        slots.SetLimit(reply.Limits?.Calls ?? 0);
        var chunk = reply.Limits?.Chunk ?? 0;
        var answer = reply.Limits?.AnswerMs ?? 0;
        return new PeerSessionHandle(
            new Metadata { { SyncLimits.SessionKey, reply.Session.ToByteArray() } },
            answer == 0 ? DefaultAnswerTime : TimeSpan.FromMilliseconds(answer),
            chunk == 0 ? ChunkBufferPool.MaxLength : (int)Math.Clamp(chunk, LeastChunk, ChunkBufferPool.MaxLength))
        {
            Incarnation = reply.Incarnation,
            MostConnections = ToMost(reply.Limits?.Connections),
            MostStreams = ToMost(reply.Limits?.StreamsPerConnection),
            Software = WireMapping.Cut(reply.Software),
            Clock = reply.ClockMs is > 0 and < LastClock ? DateTimeOffset.FromUnixTimeMilliseconds(reply.ClockMs) : null,
            Protocol = reply.Protocol,
            Capabilities = versions.Meet(reply.Capability),
        };
    }

    // 0 = no limit told.
    private static int ToMost(uint? limit) => limit is null or 0 or > int.MaxValue ? int.MaxValue : (int)limit;

    private static PeerFault ToFault(Outcomes.RefusalReason reason) => reason switch
    {
        Outcomes.RefusalReason.ProtocolMismatch => PeerFault.ProtocolMismatch,
        Outcomes.RefusalReason.PeerIsSelf => PeerFault.IsSelf,
        _ => reason.GetKind() == RefusalKind.Wait ? PeerFault.Unreachable : PeerFault.NotTrusted,
    };
}
