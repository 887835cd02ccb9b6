using Grpc.Core;
using QbSync.Ports;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Server;

/// <summary>Hello: who calls, by which protocol, and what is taken from it.</summary>
internal sealed partial class SyncService
{
    private const string OurSoftware = "qbsync";

    public async Task<HelloReply> HelloAsync(HelloRequest request, ServerCallContext context)
    {
        if (request.SourceId.Length != 16)
        {
            throw WireMapping.Malformed($"a source id has {request.SourceId.Length} bytes");
        }

        if (request.NodeId.Length is not (0 or SyncLimits.NodeIdBytes))
        {
            throw WireMapping.Malformed($"a node id has {request.NodeId.Length} bytes");
        }

        if (versions.Meet(request.Lowest, request.Highest) is not { } protocol)
        {
            return Refuse(Outcomes.RefusalReason.ProtocolMismatch, versions.Describe(request));
        }

        if (self.Is(request.NodeId.Span))
        {
            return Refuse(Outcomes.RefusalReason.PeerIsSelf, "The source and the destination are one node.");
        }

        var caller = CallerIdentity.Create(CallerIdentity.PeerOf(context), new Guid(request.SourceId.Span), WireMapping.Cut(request.Name)) with
        {
            Incarnation = request.Incarnation,
            LeaseEpoch = request.LeaseEpoch,
        };
        var greeting = await destination.HelloAsync(caller, context.CancellationToken).ConfigureAwait(false);
        if (sessions.Open(caller) is not { } session)
        {
            return Refuse(Outcomes.RefusalReason.Superseded, $"A holder of a newer lease than {request.LeaseEpoch} was here.");
        }

        Log.SessionOpened(logger, caller.Name, caller.Source, greeting.Incarnation);
        var reply = new HelloReply
        {
            Protocol = protocol,
            Session = WireMapping.ToWire(session.Id),
            NodeId = WireMapping.ToWire(self.Id),
            Incarnation = greeting.Incarnation,
            Software = greeting.Software.Length > 0 ? greeting.Software : OurSoftware,
            ClockMs = Now.ToUnixTimeMilliseconds(),
            Limits = GetLimits(greeting, caller.Grants),
        };
        reply.Capability.Add(versions.Meet(request.Capability));
        return reply;
    }

    private Limits GetLimits(DestinationGreeting greeting, PeerGrants grants) => new()
    {
        Message = SyncLimits.MaxMessageReceived,
        Chunk = ChunkBufferPool.MaxLength,
        Connections = (uint)options.MaxConnections,
        StreamsPerConnection = (uint)options.MaxStreams,
        Calls = (uint)options.MaxCalls,
        StreamWindow = (ulong)options.StreamWindow,
        TorrentBytes = (ulong)options.MaxTorrentBytes,
        Rate = (ulong)Math.Max(grants.Rate ?? 0, 0),
        AnswerMs = (uint)Math.Max(options.AnswerWithin.TotalMilliseconds, greeting.AnswerWithin.TotalMilliseconds),
    };

    private static HelloReply Refuse(Outcomes.RefusalReason reason, string detail) =>
        new() { Refusal = WireMapping.ToWire(new Outcomes.Refusal(reason, detail)) };
}
