using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using QbSync.Testing.Machine;

namespace QbSync.Testing.Clients.Sim;

/// <summary>A simulated qBittorrent at an address of its own, as a node reaches a real one.</summary>
public sealed class ClientListener : IAsyncDisposable
{
    private readonly FakeQBittorrentServer _server;
    private readonly HttpMessageInvoker _invoker;
    private readonly WebApplication _app;
    private int _toFail;

    private ClientListener(SimClientModel model, FakeServerOptions access, WebApplication app)
    {
        (Model, Url, _app) = (model, access.Url, app);
        _server = new FakeQBittorrentServer(model, access);
        _invoker = new HttpMessageInvoker(_server);
    }

    public SimClientModel Model { get; }

    public Uri Url { get; }

    /// <summary>What answers there.</summary>
    public FakeQBittorrentServer Server => _server;

    /// <summary>It is down for so many requests.</summary>
    public void Fail(int requests) => Volatile.Write(ref _toFail, requests);

    /// <param name="savePath">Where its torrents' files are.</param>
    public static Task<ClientListener> StartAsync(string savePath) =>
        StartAsync(new SimClientOptions { SavePath = savePath, Tick = TimeSpan.FromMilliseconds(200) }, static url => new FakeServerOptions { Url = url });

    /// <param name="options">How the client is.</param>
    /// <param name="access">How it lets people in, by its address.</param>
    public static async Task<ClientListener> StartAsync(SimClientOptions options, Func<Uri, FakeServerOptions> access)
    {
        var port = FreePorts.Take();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenLocalhost(port));
        var app = builder.Build();
        var listener = new ClientListener(new SimClientModel(options, TimeProvider.System), access(new Uri($"http://127.0.0.1:{port}/")), app);
        app.Run(listener.PassAsync);
        await app.StartAsync();
        return listener;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _invoker.Dispose();
    }

    private async Task PassAsync(HttpContext context)
    {
        if (Volatile.Read(ref _toFail) > 0 && Interlocked.Decrement(ref _toFail) >= 0)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), new Uri(Url, context.Request.GetEncodedPathAndQuery()))
        {
            Content = new ByteArrayContent(body.ToArray()),
        };
        foreach (var (name, values) in context.Request.Headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, values.AsEnumerable()))
            {
                request.Content.Headers.TryAddWithoutValidation(name, values.AsEnumerable());
            }
        }

        using var answer = await _invoker.SendAsync(request, context.RequestAborted);
        context.Response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, values) in answer.Headers.Concat(answer.Content.Headers))
        {
            context.Response.Headers[name] = values.ToArray();
        }

        await answer.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }
}
