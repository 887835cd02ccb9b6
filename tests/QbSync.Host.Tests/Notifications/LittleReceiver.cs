using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace QbSync.Host.Tests.Notifications;

/// <summary>A request that came.</summary>
internal sealed record Received(string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body, DateTimeOffset At);

/// <summary>Somebody who is told over HTTP, on loopback, and answers as a test says.</summary>
internal sealed class LittleReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _ends = new();

    private LittleReceiver(WebApplication app, TimeProvider time) => (_app, _time) = (app, time);

    public ConcurrentQueue<Received> Requests { get; } = [];

    /// <summary>Sets status and headers of an answer, given the number of the request from 0 on.</summary>
    public Action<int, HttpResponse> Answer { get; set; } = static (_, _) => { };

    /// <summary>Whether requests are taken and not answered, until this is disposed or the sender gives up.</summary>
    public bool Hangs { get; set; }

    public Uri Address => new(_app.Urls.First());

    public static async Task<LittleReceiver> StartAsync(TimeProvider? time = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var receiver = new LittleReceiver(app, time ?? TimeProvider.System);
        app.Run(receiver.TakeAsync);
        await app.StartAsync();
        return receiver;
    }

    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        await _app.DisposeAsync();
        _ends.Dispose();
    }

    private async Task TakeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        Received received = new(
            context.Request.Path, context.Request.Headers.ToDictionary(static header => header.Key, static header => header.Value.ToString()), body.ToArray(), _time.GetUtcNow());
        int number;
        lock (_ends)
        {
            number = Requests.Count;
            Requests.Enqueue(received);
        }

        if (Hangs)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(_ends.Token, context.RequestAborted);
            var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var registration = either.Token.Register(over.SetResult);
            await over.Task;
            return;
        }

        Answer(number, context.Response);
    }
}
