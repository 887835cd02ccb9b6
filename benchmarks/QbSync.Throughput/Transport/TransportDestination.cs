using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Ports;
using QbSync.Throughput.Measuring;

namespace QbSync.Throughput.Transport;

/// <summary>The transport's destination side alone: the real server before an intake that hashes and writes.</summary>
internal static class TransportDestination
{
    public const string Kind = "transport-destination";

    public static async Task<int> RunAsync(string[] args)
    {
        var settings = LayerSettings.Read(args);
        using var intake = new HashingIntake(settings);
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddSingleton(registry);
        builder.Services.AddSingleton<IMetricFactory>(Prometheus.Metrics.WithCustomRegistry(registry));
        builder.Services.AddSingleton<IDestination>(new GreetingDestination());
        builder.Services.AddSingleton<IPieceIntake>(intake);
        builder.Services.AddQbSyncServer(options => options.Security = LayerSecurity.Read(settings));
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenQbSync(new IPEndPoint(IPAddress.Loopback, 0)));
        await using var app = builder.Build();
        app.MapQbSync();
        await app.StartAsync();
        Console.WriteLine(new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Authority);
        using (var meter = Parent.WaitForBegin())
        {
            await Parent.Ended;
            Console.WriteLine(meter.Read().ToLine());
        }

        await app.StopAsync();
        return 0;
    }

    /// <summary>The console's own would take the signals that end a process, and nothing here waits for it.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
