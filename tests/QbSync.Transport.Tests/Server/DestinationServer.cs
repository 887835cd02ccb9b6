using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Ports;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;
using QbSync.Testing.Metrics;
using QbSync.Transport.Security;
using QbSync.Transport.Server;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Tests.Server;

/// <summary>A real server on the loopback before a destination of the test.</summary>
internal sealed class DestinationServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private DestinationServer(WebApplication app, int port)
    {
        _app = app;
        Port = port;
    }

    public int Port { get; }

    public CollectorRegistry Registry => _app.Services.GetRequiredService<CollectorRegistry>();

    public ReceiveBudget Budget => _app.Services.GetRequiredService<PieceStreams>().Budget;

    public ChunkBufferPool Buffers => _app.Services.GetRequiredService<ChunkBufferPool>();

    /// <summary>Connections of which it is not known who is at the other end.</summary>
    public int Strangers => _app.Services.GetRequiredService<PreAuthenticationLimits>().Sockets;

    public WriteWorkers Workers => _app.Services.GetRequiredService<WriteWorkers>();

    public static async Task<DestinationServer> StartAsync(
        FakeDestination destination, LogErrorGuard logs, Action<TransportServerOptions>? configure = null, int? port = null, TimeProvider? time = null,
        IPEndPoint? at = null, Action<IServiceCollection>? services = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        var registry = Prometheus.Metrics.NewCustomRegistry();
        builder.Services.AddSingleton<ILoggerFactory>(logs);
        builder.Services.AddSingleton(registry);
        builder.Services.AddSingleton<IMetricFactory>(Prometheus.Metrics.WithCustomRegistry(registry));
        builder.Services.AddSingleton(time ?? TimeProvider.System);
        builder.Services.AddSingleton<IDestination>(destination);
        builder.Services.AddSingleton<IPieceIntake>(destination);
        builder.Services.AddQbSyncServer(options =>
        {
            options.Security.Mode = SecurityMode.Insecure;
            configure?.Invoke(options);
        });
        var endPoint = at ?? new IPEndPoint(IPAddress.Loopback, port ?? FreePorts.Take());
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenQbSync(endPoint));
        services?.Invoke(builder.Services);
        var app = builder.Build();
        app.MapQbSync();
        await app.StartAsync();
        return new DestinationServer(app, endPoint.Port);
    }

    /// <summary>It is about to stop, and says so to its sources; connections are still taken.</summary>
    public void BeginStopping() => _app.Lifetime.StopApplication();

    public async Task<string> ScrapeAsync()
    {
        using var text = new MemoryStream();
        await MovedSeries.CollectAsync(Registry, text);
        return System.Text.Encoding.UTF8.GetString(text.ToArray());
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
