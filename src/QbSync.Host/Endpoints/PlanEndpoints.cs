using Microsoft.AspNetCore.Http;
using QbSync.Host.Reporting;
using QbSync.Torrents;

namespace QbSync.Host.Endpoints;

/// <summary>What would be done, over HTTP: made when it is asked for, by asking client and destination. It changes nothing.</summary>
internal sealed class PlanEndpoints(ControlActions actions)
{
    private const string NotRunning = "the source does not run";

    public async Task PlanAsync(HttpContext context)
    {
        if (actions.PlanAsync is not { } make)
        {
            await HttpSurface.NotOurs(context);
            return;
        }

        var plan = await make(context.RequestAborted);
        await (plan is { IsKnown: true } ? HttpSurface.DocumentAsync(context, PlanDocument.Of(plan).ToJson()) : NotYetAsync(context, plan?.Problem));
    }

    public async Task ExplainAsync(HttpContext context)
    {
        if (actions.ExplainAsync is not { } make)
        {
            await HttpSurface.NotOurs(context);
            return;
        }

        if (!InfoHash.TryParse(context.Request.RouteValues["hash"]?.ToString(), out var hash))
        {
            await HttpSurface.UnknownAsync(context);
            return;
        }

        var told = await make(hash, context.RequestAborted);
        await (told switch
        {
            not { IsKnown: true } => NotYetAsync(context, told?.Problem),
            { Torrent: null } => HttpSurface.UnknownAsync(context),
            _ => HttpSurface.DocumentAsync(context, ExplainDocument.Of(told).ToJson()),
        });
    }

    private static Task NotYetAsync(HttpContext context, string? problem) => HttpSurface.JsonAsync(
        context, StatusCodes.Status503ServiceUnavailable, "error", problem is { Length: > 0 } ? problem : NotRunning);
}
