using Grpc.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Server;

/// <summary>The verbs: maps messages and delegates to the destination, nothing else. One instance, thread-safe.</summary>
internal sealed partial class SyncService(
    IDestination destination,
    SessionTable sessions,
    TransportServerOptions options,
    WireVersions versions,
    LocalNode self,
    PieceStreams streams,
    IHostApplicationLifetime lifetime,
    ILogger<SyncService> logger,
    TimeProvider time)
{
    private readonly UploadReader _uploads = new(options);

    private DateTimeOffset Now => time.GetUtcNow();

    public async Task<GetStatusReply> GetStatusAsync(GetStatusRequest request, ServerCallContext context)
    {
        using var lease = Take(context);
        if (request.Id.Count > SyncLimits.MaxStatusIds)
        {
            throw WireMapping.Malformed($"{request.Id.Count} ids, and at most {SyncLimits.MaxStatusIds} are answered");
        }

        // Bitmaps are big: they are made for a few torrents at a time, since only those that fit into the answer are sent.
        var step = request.Bitmaps ? 4 : SyncLimits.MaxStatusIds;
        var reply = new GetStatusReply();
        var size = 0;
        foreach (var ids in request.Id.Chunk(step))
        {
            var asked = new StatusRequest([.. ids.Select(WireMapping.ToId)], request.Bitmaps);
            foreach (var status in await destination.GetStatusAsync(lease.Caller, asked, context.CancellationToken).ConfigureAwait(false))
            {
                var wire = WireMapping.ToWire(status, Now);
                size += wire.CalculateSize() + 8;
                if (size > SyncLimits.StatusPart && reply.Status.Count > 0)
                {
                    return reply;
                }

                reply.Status.Add(wire);
            }
        }

        return reply;
    }

    public async Task<InitReply> InitAsync(IAsyncStreamReader<InitPart> parts, ServerCallContext context)
    {
        using var lease = Take(context);
        var reader = new PartReader<InitPart>(parts, context);
        var request = await _uploads.ReadAsync(reader).ConfigureAwait(false);
        reader.Stop();
        var outcome = request is not null
            ? await destination.InitAsync(lease.Caller, request, context.CancellationToken).ConfigureAwait(false)
            : new InitOutcome.Refused(new Outcomes.Refusal(Outcomes.RefusalReason.Busy, "Other .torrents are being uploaded.", TimeSpan.FromSeconds(1)));
        return WireMapping.ToWire(outcome, Now);
    }

    public async Task<FinalizeReply> FinalizeAsync(IAsyncStreamReader<FinalizePart> parts, ServerCallContext context)
    {
        using var lease = Take(context);
        var reader = new PartReader<FinalizePart>(parts, context);
        if (!await reader.MoveAsync().ConfigureAwait(false)
            || parts.Current.PartCase != FinalizePart.PartOneofCase.Header)
        {
            throw WireMapping.Malformed("Finalize does not begin with its header");
        }

        var request = WireMapping.ToDomain(parts.Current.Header);
        List<SourceFile>? files = null;
        while (await reader.MoveAsync().ConfigureAwait(false))
        {
            switch (parts.Current.PartCase)
            {
                case FinalizePart.PartOneofCase.FileTable when (files?.Count ?? 0) + parts.Current.FileTable.Entry.Count <= UploadReader.MaxFiles:
                    WireMapping.ToDomain(parts.Current.FileTable, files ??= []);
                    break;
                case FinalizePart.PartOneofCase.None:
                    break;
                default:
                    throw WireMapping.Malformed("a part of Finalize is too large or comes twice");
            }
        }

        request = request with { Files = files };
        return WireMapping.ToWire(await destination.FinalizeAsync(lease.Caller, request, context.CancellationToken).ConfigureAwait(false), Now);
    }

    public async Task<ProveReply> ProveAsync(Wire.Protocol.ProveRequest request, ServerCallContext context)
    {
        using var lease = Take(context);
        var outcome = await destination.ProveAsync(lease.Caller, WireMapping.ToDomain(request), context.CancellationToken).ConfigureAwait(false);
        return WireMapping.ToWire(outcome, Now);
    }

    public async Task<StartReply> StartAsync(Wire.Protocol.StartRequest request, ServerCallContext context)
    {
        using var lease = Take(context);
        var outcome = await destination.StartAsync(lease.Caller, WireMapping.ToDomain(request), context.CancellationToken).ConfigureAwait(false);
        return WireMapping.ToWire(outcome, Now);
    }

    public async Task<WithdrawReply> WithdrawAsync(Wire.Protocol.WithdrawRequest request, ServerCallContext context)
    {
        using var lease = Take(context);
        var outcome = await destination.WithdrawAsync(lease.Caller, WireMapping.ToDomain(request), context.CancellationToken).ConfigureAwait(false);
        return WireMapping.ToWire(outcome, Now);
    }

    public async Task<ConfirmHandoffReply> ConfirmHandoffAsync(Wire.Protocol.ConfirmHandoffRequest request, ServerCallContext context)
    {
        using var lease = Take(context);
        return WireMapping.ToWire(
            await destination.ConfirmHandoffAsync(lease.Caller, WireMapping.ToDomain(request), context.CancellationToken).ConfigureAwait(false));
    }

    public async Task<AbortReply> AbortAsync(Wire.Protocol.AbortRequest request, ServerCallContext context)
    {
        using var lease = Take(context);
        return WireMapping.ToWire(
            await destination.AbortAsync(lease.Caller, WireMapping.ToDomain(request), context.CancellationToken).ConfigureAwait(false));
    }

    public async Task WatchAsync(WatchRequest request, IServerStreamWriter<WatchUpdate> updates, ServerCallContext context)
    {
        using var lease = Take(context);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        var writer = new WatchWriter(updates, time);
        try
        {
            await writer.RunAsync(destination.WatchAsync(lease.Caller, ended.Token), ended.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested && !context.CancellationToken.IsCancellationRequested)
        {
            await updates.WriteAsync(WireMapping.ToWire(new DestinationUpdate.Stopping(), Now), context.CancellationToken).ConfigureAwait(false);
        }
    }

    public async Task StreamPiecesAsync(
        IAsyncStreamReader<IncomingFrame> frames, IServerStreamWriter<DestinationFrame> answers, ServerCallContext context)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        await streams.RunAsync(context, frames, answers, ended.Token).ConfigureAwait(false);
    }

    private SessionTable.SessionLease Take(ServerCallContext context) => sessions.Take(context.RequestHeaders, CallerIdentity.PeerOf(context));
}
