using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Ports;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>The real server on loopback over Kestrel, in front of an intake of the test.</summary>
internal sealed class PieceServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private PieceServer(WebApplication app) => _app = app;

    public int Port { get; private init; }

    /// <summary>What it measures.</summary>
    public CollectorRegistry Registry { get; private init; } = null!;

    /// <summary>Answers the verbs.</summary>
    public GreetingDestination Destination { get; private init; } = null!;

    public static async Task<PieceServer> StartAsync(IPieceIntake intake, ILoggerFactory loggers, int port = 0, Action<TransportServerOptions>? configure = null)
    {
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.Replace(ServiceDescriptor.Singleton(loggers));
        builder.Services.AddSingleton(registry);
        builder.Services.AddSingleton<IMetricFactory>(Prometheus.Metrics.WithCustomRegistry(registry));
        var destination = new GreetingDestination();
        builder.Services.AddSingleton<IDestination>(destination);
        builder.Services.AddSingleton(intake);
        builder.Services.AddQbSyncServer(options =>
        {
            options.Security.Mode = SecurityMode.Insecure;
            configure?.Invoke(options);
        });
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenQbSync(new IPEndPoint(IPAddress.Loopback, port)));
        var app = builder.Build();
        app.MapQbSync();
        await app.StartAsync();
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new PieceServer(app) { Port = new Uri(address).Port, Destination = destination, Registry = registry };
    }

    /// <summary>Stops as a host does that was asked to: sources hear of it.</summary>
    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }
}
