using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Ports;
using QbSync.Transport;

namespace QbSync.Wan;

/// <summary>The server side of the transport, in front of a sink that only counts.</summary>
internal static class DestinationRole
{
    public const string Verb = "destination";
    public const int Port = 50051;

    /// <summary>Nobody else is in these networks.</summary>
    public static SecurityOptions Insecure { get; } = new() { Mode = SecurityMode.Insecure, AllowInsecure = true };

    /// <param name="arguments">Length of a piece.</param>
    public static async Task RunAsync(string[] arguments)
    {
        var destination = new CountingDestination(int.Parse(arguments[0], CultureInfo.InvariantCulture));
        var registry = Metrics.NewCustomRegistry();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(registry);
        builder.Services.AddSingleton<IMetricFactory>(Metrics.WithCustomRegistry(registry));
        builder.Services.AddSingleton<IDestination>(destination);
        builder.Services.AddSingleton<IPieceIntake>(destination);
        builder.Services.AddQbSyncServer(static server => server.Security = Insecure);
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.ListenQbSync(new IPEndPoint(IPAddress.Any, Port)));
        await using var app = builder.Build();
        app.MapQbSync();
        await app.StartAsync();
        await RoleProcess.ServeAsync(() => new Look { Bytes = destination.Bytes, Failures = destination.Wrong });

        // The run is over; streams that are still open are cut.
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await app.StopAsync(now.Token);
    }
}
