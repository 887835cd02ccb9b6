using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Prometheus;
using QbSync.Host.Lifetime;
using QbSync.Host.Reporting;
using QbSync.Torrents;

namespace QbSync.Host.Endpoints;

/// <summary>What a role answers over HTTP, on whatever listener: health, metrics, status, the page, and on the control socket what can be asked of it.</summary>
/// <param name="isAlive">False when an engine loop is stuck.</param>
internal sealed class HttpSurface(
    CollectorRegistry registry, Func<bool> isAlive, ReadinessChecks readiness, StatusBoard board, EventStream events, ControlActions actions)
{
    private static readonly string[] Reads = ["GET", "HEAD"];
    private readonly PlanEndpoints _plans = new(actions);

    public static Task TextAsync(HttpContext context, int code, string text)
    {
        context.Response.StatusCode = code;
        return BytesAsync(context, "text/plain; charset=utf-8", System.Text.Encoding.UTF8.GetBytes(text));
    }

    public void MapReads(IEndpointRouteBuilder app)
    {
        Map("/healthz", static context => TextAsync(context, StatusCodes.Status200OK, "ok"));
        Map("/livez", context => isAlive()
            ? TextAsync(context, StatusCodes.Status200OK, "ok")
            : TextAsync(context, StatusCodes.Status503ServiceUnavailable, "not alive"));
        Map("/readyz", async context =>
        {
            var isReady = await readiness.AreAllGoodAsync();
            await TextAsync(context, isReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable, isReady ? "ok" : "not ready");
        });
        Map("/metrics", async context =>
        {
            // Collected whole before the first byte is sent, so a failure is a clean 500.
            using var text = new MemoryStream();
            await registry.CollectAndExportAsTextAsync(text, context.RequestAborted);
            await BytesAsync(context, PrometheusConstants.TextContentTypeWithVersionAndEncoding, text.GetBuffer().AsMemory(0, (int)text.Length));
        });
        Map("/api/v1/status", context => BytesAsync(context, "application/json; charset=utf-8", board.Current.Json));
        Map("/api/v1/events", events.ServeAsync);
        Map("/api/v1/plan", _plans.PlanAsync);
        Map("/api/v1/torrents/{hash}/explain", _plans.ExplainAsync);
        Map("/", context => BytesAsync(context, "text/html; charset=utf-8", StatusPage.Render(board.Current.Document)));
        foreach (var (name, type) in StatusPage.Assets)
        {
            var content = StatusPage.Read(name);
            Map($"/assets/{name}", context => BytesAsync(context, type, content));
        }

        // Browsers ask for it unasked.
        Map("/favicon.ico", static context =>
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return Task.CompletedTask;
        });

        void Map(string path, RequestDelegate answer) => app.MapMethods(path, Reads, answer);
    }

    public void MapActions(IEndpointRouteBuilder app)
    {
        app.MapPost("/api/v1/drain", context => actions.Drain is not { } drain ? NotOurs(context)
            : drain() ? JsonAsync(context, StatusCodes.Status202Accepted, "draining", true) : JsonAsync(context, StatusCodes.Status409Conflict, "draining", false));
        app.MapPost("/api/v1/retry", context => RetryAsync(context, null));
        app.MapPost("/api/v1/torrents/{hash}/retry", context =>
            InfoHash.TryParse(context.Request.RouteValues["hash"]?.ToString(), out var hash) ? RetryAsync(context, hash) : UnknownAsync(context));
        app.MapPost("/api/v1/torrents/{hash}/handoff", context =>
            InfoHash.TryParse(context.Request.RouteValues["hash"]?.ToString(), out var hash) ? HandOffAsync(context, hash) : UnknownAsync(context));
        app.MapPost("/api/v1/reload", ReloadAsync);
    }

    private async Task HandOffAsync(HttpContext context, InfoHash hash)
    {
        if (actions.HandOffAsync is not { } handOff)
        {
            await NotOurs(context);
            return;
        }

        await (await handOff(hash, context.RequestAborted) switch
        {
            null => UnknownAsync(context),
            "" => JsonAsync(context, StatusCodes.Status202Accepted, "handoff", true),
            var refusal => JsonAsync(context, StatusCodes.Status409Conflict, "error", refusal),
        });
    }

    private async Task ReloadAsync(HttpContext context)
    {
        if (actions.ReloadAsync is not { } reload)
        {
            await NotOurs(context);
            return;
        }

        try
        {
            var outcome = await reload(context.RequestAborted);
            await DocumentAsync(
                context,
                JsonSerializer.SerializeToUtf8Bytes(outcome, ReloadJson.Default.ReloadOutcome),
                outcome.Errors.Count > 0 ? StatusCodes.Status422UnprocessableEntity : StatusCodes.Status200OK);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            await JsonAsync(context, StatusCodes.Status409Conflict, "error", "it stops");
        }
    }

    private async Task RetryAsync(HttpContext context, InfoHash? hash)
    {
        if (actions.RetryAsync is not { } retry)
        {
            await NotOurs(context);
        }
        else if (await retry(hash, context.RequestAborted) is { } count)
        {
            await JsonAsync(context, StatusCodes.Status200OK, "retried", count);
        }
        else
        {
            await UnknownAsync(context);
        }
    }

    public static Task UnknownAsync(HttpContext context) => JsonAsync(context, StatusCodes.Status404NotFound, "error", "unknown hash");

    public static Task NotOurs(HttpContext context) => JsonAsync(context, StatusCodes.Status409Conflict, "error", "not of this role");

    public static Task JsonAsync(HttpContext context, int code, string name, object value)
    {
        context.Response.StatusCode = code;
        var shown = value switch
        {
            bool flag => flag ? "true" : "false",
            int number => number.ToString(CultureInfo.InvariantCulture),
            _ => $"\"{JsonEncodedText.Encode($"{value}")}\"",
        };
        return BytesAsync(context, "application/json; charset=utf-8", System.Text.Encoding.UTF8.GetBytes($"{{\"{name}\":{shown}}}"));
    }

    public static Task DocumentAsync(HttpContext context, byte[] document, int code = StatusCodes.Status200OK)
    {
        context.Response.StatusCode = code;
        return BytesAsync(context, "application/json; charset=utf-8", document);
    }

    private static async Task BytesAsync(HttpContext context, string type, ReadOnlyMemory<byte> content)
    {
        context.Response.ContentType = type;
        context.Response.ContentLength = content.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await context.Response.Body.WriteAsync(content, context.RequestAborted);
        }
    }
}
