using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Prometheus;

namespace QbSync.Host.Endpoints;

/// <summary>
/// <c>/healthz</c>, <c>/livez</c>, <c>/readyz</c> and <c>/metrics</c> of one role, on a listener of their own that starts first and stops last.
/// </summary>
internal sealed class HealthServer : IAsyncDisposable
{
    private const string PlainText = "text/plain; charset=utf-8";
    private readonly WebApplication _app;

    private HealthServer(WebApplication app) => _app = app;

    /// <summary>The address it listens on, with the port that the system chose when 0 was asked for.</summary>
    public Uri Address => new(_app.Urls.First().Replace("[::]", "127.0.0.1", StringComparison.Ordinal));

    /// <summary>Starts to listen.</summary>
    /// <param name="isAlive">False when an engine loop is stuck.</param>
    /// <exception cref="IOException">The address is in use or cannot be bound.</exception>
    public static async Task<HealthServer> StartAsync(
        IPEndPoint endPoint, CollectorRegistry registry, Func<bool> isAlive, ReadinessChecks readiness, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = 64;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            kestrel.Listen(endPoint, listener => listener.Protocols = HttpProtocols.Http1);
        });
        builder.Services.AddRoutingCore();
        var app = builder.Build();
        app.MapGet("/healthz", () => Results.Text("ok"));
        app.MapGet("/livez", () => isAlive() ? Results.Text("ok") : Results.Text("not alive", statusCode: StatusCodes.Status503ServiceUnavailable));
        app.MapGet("/readyz", async () => await readiness.AreAllGoodAsync()
            ? Results.Text("ok")
            : Results.Text("not ready", statusCode: StatusCodes.Status503ServiceUnavailable));
        app.MapGet("/metrics", async context =>
        {
            // Collected whole before the first byte is sent, so a failure is a clean 500.
            using var text = new MemoryStream();
            await registry.CollectAndExportAsTextAsync(text, context.RequestAborted);
            context.Response.ContentType = PrometheusConstants.TextContentTypeWithVersionAndEncoding;
            await context.Response.Body.WriteAsync(text.GetBuffer().AsMemory(0, (int)text.Length), context.RequestAborted);
        });
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        return new HealthServer(app);
    }

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _app.StopAsync(limit.Token);
        await _app.DisposeAsync();
    }
}
