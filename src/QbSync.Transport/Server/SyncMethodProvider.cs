using Grpc.AspNetCore.Server.Model;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Server;

/// <summary>Binds the verbs by hand, so that StreamPieces is read by our own codec. A verb that is not here is Unimplemented.</summary>
internal sealed class SyncMethodProvider(ChunkBufferPool buffers) : IServiceMethodProvider<SyncService>
{
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<SyncService> context)
    {
        context.AddUnaryMethod(SyncMethods.Hello, [], static (service, request, call) => service.HelloAsync(request, call));
        context.AddUnaryMethod(SyncMethods.GetStatus, [], static (service, request, call) => service.GetStatusAsync(request, call));
        context.AddServerStreamingMethod(
            SyncMethods.Watch, [], static (service, request, updates, call) => service.WatchAsync(request, updates, call));
        context.AddClientStreamingMethod(SyncMethods.Init, [], static (service, parts, call) => service.InitAsync(parts, call));
        context.AddClientStreamingMethod(SyncMethods.Finalize, [], static (service, parts, call) => service.FinalizeAsync(parts, call));
        context.AddUnaryMethod(SyncMethods.Prove, [], static (service, request, call) => service.ProveAsync(request, call));
        context.AddUnaryMethod(SyncMethods.Start, [], static (service, request, call) => service.StartAsync(request, call));
        context.AddUnaryMethod(SyncMethods.Withdraw, [], static (service, request, call) => service.WithdrawAsync(request, call));
        context.AddUnaryMethod(SyncMethods.ConfirmHandoff, [], static (service, request, call) => service.ConfirmHandoffAsync(request, call));
        context.AddUnaryMethod(SyncMethods.Abort, [], static (service, request, call) => service.AbortAsync(request, call));
        context.AddDuplexStreamingMethod(
            SyncMethods.ReceivePieces(buffers), [], static (service, frames, answers, call) => service.StreamPiecesAsync(frames, answers, call));
    }
}
