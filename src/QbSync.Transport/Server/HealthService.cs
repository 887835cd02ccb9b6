using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Microsoft.Extensions.Hosting;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Health;

namespace QbSync.Transport.Server;

/// <summary>grpc.health.v1: serving as long as the process does not stop; what the host knows beyond that is on its own health endpoint.</summary>
internal sealed class HealthService(IHostApplicationLifetime lifetime)
{
    private const string Name = "grpc.health.v1.Health";

    public Task<HealthCheckResponse> CheckAsync(HealthCheckRequest request) =>
        request.Service is "" or SyncMethods.ServiceName or Name
            ? Task.FromResult(new HealthCheckResponse { Status = Read() })
            : throw new RpcException(new Status(StatusCode.NotFound, "No such service."));

    public async Task WatchAsync(HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> answers, ServerCallContext context)
    {
        var isKnown = request.Service is "" or SyncMethods.ServiceName or Name;
        var status = isKnown ? Read() : HealthCheckResponse.Types.ServingStatus.ServiceUnknown;
        await answers.WriteAsync(new HealthCheckResponse { Status = status }, context.CancellationToken).ConfigureAwait(false);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = ended.Token.Register(stopped.SetResult);
        await stopped.Task.ConfigureAwait(false);
        if (isKnown && !context.CancellationToken.IsCancellationRequested)
        {
            await answers.WriteAsync(new HealthCheckResponse { Status = Read() }, context.CancellationToken).ConfigureAwait(false);
        }
    }

    private HealthCheckResponse.Types.ServingStatus Read() => lifetime.ApplicationStopping.IsCancellationRequested
        ? HealthCheckResponse.Types.ServingStatus.NotServing
        : HealthCheckResponse.Types.ServingStatus.Serving;

    /// <summary>Binds the two methods.</summary>
    internal sealed class MethodProvider : IServiceMethodProvider<HealthService>
    {
        private static readonly Marshaller<HealthCheckRequest> Request = SyncMethods.CreateMarshaller(HealthCheckRequest.Parser);
        private static readonly Marshaller<HealthCheckResponse> Response = SyncMethods.CreateMarshaller(HealthCheckResponse.Parser);

        public void OnServiceMethodDiscovery(ServiceMethodProviderContext<HealthService> context)
        {
            context.AddUnaryMethod(
                new Method<HealthCheckRequest, HealthCheckResponse>(MethodType.Unary, Name, "Check", Request, Response),
                [],
                static (service, request, _) => service.CheckAsync(request));
            context.AddServerStreamingMethod(
                new Method<HealthCheckRequest, HealthCheckResponse>(MethodType.ServerStreaming, Name, "Watch", Request, Response),
                [],
                static (service, request, answers, call) => service.WatchAsync(request, answers, call));
        }
    }
}
