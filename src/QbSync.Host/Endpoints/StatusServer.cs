using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace QbSync.Host.Endpoints;

/// <summary>
/// One listener of a role's HTTP surface, on a server of its own that starts first and stops last: over TCP to read, on the control socket also to act.
/// </summary>
internal sealed class StatusServer : IAsyncDisposable
{
    private const int MostConnections = 64;
    private const int MostHeaderBytes = 16 << 10;
    private readonly WebApplication _app;

    private StatusServer(WebApplication app) => _app = app;

    /// <summary>The address it listens on, with the port that the system chose when 0 was asked for.</summary>
    public Uri Address => new(_app.Urls.First().Replace("[::]", "127.0.0.1", StringComparison.Ordinal));

    /// <summary>Starts to listen on TCP.</summary>
    /// <exception cref="IOException">The address is in use or cannot be bound.</exception>
    public static Task<StatusServer> StartAsync(IPEndPoint endPoint, HttpSurface surface, AccessRules access, CancellationToken cancellationToken) =>
        StartAsync(
            kestrel => kestrel.Listen(endPoint, static listener => listener.Protocols = HttpProtocols.Http1),
            app =>
            {
                app.Use(next => context => GuardAsync(context, access, next));
                surface.MapReads(app);
            },
            cancellationToken);

    /// <summary>Starts to listen on a socket that only the user of this process reaches.</summary>
    /// <exception cref="IOException">Another process listens there, or it cannot be made.</exception>
    public static async Task<StatusServer> StartControlAsync(string path, HttpSurface surface, CancellationToken cancellationToken)
    {
        ControlSocket.MakeFolder(Path.GetDirectoryName(path)!);
        await ControlSocket.MakeRoomAsync(path, cancellationToken);
        var server = await StartAsync(
            kestrel => kestrel.ListenUnixSocket(path, static listener => listener.Protocols = HttpProtocols.Http1),
            app =>
            {
                app.Use(next => context => SecureAsync(context, next));
                surface.MapReads(app);
                surface.MapActions(app);
            },
            cancellationToken);
        try
        {
            ControlSocket.Restrict(path);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _app.StopAsync(limit.Token);
        await _app.DisposeAsync();
    }

    private static async Task<StatusServer> StartAsync(Action<KestrelServerOptions> listen, Action<WebApplication> map, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MostConnections;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Limits.MaxRequestHeadersTotalSize = MostHeaderBytes;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            listen(kestrel);
        });
        builder.Services.AddRoutingCore();
        var app = builder.Build();
        map(app);
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        return new StatusServer(app);
    }

    private static Task SecureAsync(HttpContext context, RequestDelegate next)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.CacheControl = "no-store";
        return next(context);
    }

    private static Task GuardAsync(HttpContext context, AccessRules access, RequestDelegate next)
    {
        var request = context.Request;
        var path = request.Path.Value ?? "";
        var code = access.Judge(request.Method, request.Host, path, context.Connection.RemoteIpAddress, request.Headers.Authorization);
        if (code == StatusCodes.Status200OK)
        {
            return SecureAsync(context, next);
        }

        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        switch (code)
        {
            case StatusCodes.Status401Unauthorized:
                context.Response.Headers.WWWAuthenticate = "Basic realm=\"qbsync\", charset=\"UTF-8\"";
                break;
            case StatusCodes.Status405MethodNotAllowed:
                context.Response.Headers.Allow = "GET, HEAD";
                break;
        }

        return HttpSurface.TextAsync(context, code, code switch
        {
            StatusCodes.Status401Unauthorized => "The token of --http-token is needed: as a bearer token, or as the password of any user.",
            StatusCodes.Status403Forbidden =>
                "The status page is for this machine only. Set --http-token (or --http-token-file) to ask for a token, or --http-open to let everybody read it.",
            StatusCodes.Status421MisdirectedRequest => "This machine is not known by that name. Add the name to --allowed-hosts.",
            _ => "Only GET and HEAD; what changes something goes over the control socket.",
        });
    }
}
