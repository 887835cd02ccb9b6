using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using QbSync.Host.Reporting;

namespace QbSync.Host.Endpoints;

/// <summary>
/// Server-sent events: the whole status, then each second what changed since what that reader was told last. A reader that takes nothing for five seconds is
/// dropped; one that comes back within a minute goes on where it was.
/// </summary>
internal sealed class EventStream(StatusBoard board, TimeProvider time) : IDisposable
{
    public const int MostReaders = 16;
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan CommentInterval = TimeSpan.FromSeconds(15);
    private readonly CancellationTokenSource _stop = new();
    private int _readers;

    /// <summary>Who reads now.</summary>
    public int Readers => Volatile.Read(ref _readers);

    public async Task ServeAsync(HttpContext context)
    {
        if (HttpMethods.IsHead(context.Request.Method))
        {
            context.Response.ContentType = "text/event-stream";
            return;
        }

        try
        {
            if (Interlocked.Increment(ref _readers) > MostReaders)
            {
                await HttpSurface.TextAsync(context, StatusCodes.Status503ServiceUnavailable, $"{MostReaders} read already.");
                return;
            }

            context.Response.ContentType = "text/event-stream";
            using var ends = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, context.RequestAborted);
            await SendAllAsync(context, ends.Token);
        }
        catch (OperationCanceledException)
        {
            // The reader went, or was dropped, or the role ends.
        }
        finally
        {
            Interlocked.Decrement(ref _readers);
        }
    }

    /// <summary>Ends what every reader reads.</summary>
    public void Stop() => _stop.Cancel();

    public void Dispose() => _stop.Dispose();

    private async Task SendAllAsync(HttpContext context, CancellationToken ends)
    {
        var told = FindLast(context.Request.Headers["Last-Event-ID"]);
        if (told is null)
        {
            told = board.Current;
            await WriteAsync(context, Event("status", told.Json, Id(told)), ends);
        }
        else
        {
            await WriteAsync(context, ": goes on\n\n"u8.ToArray(), ends);
        }

        var commented = time.GetTimestamp();
        while (true)
        {
            var now = await board.NextAsync(told, ends);
            await WriteAsync(context, Changes(told, now), ends);
            told = now;
            if (time.GetElapsedTime(commented) >= CommentInterval)
            {
                commented = time.GetTimestamp();
                await WriteAsync(context, ": here\n\n"u8.ToArray(), ends);
            }
        }
    }

    /// <summary>What a reader was told that says so; null for one that is new, was away too long, or read from another process.</summary>
    private StatusSnapshot? FindLast(string? id) =>
        id?.Split('-') is [var origin, var number]
        && origin == board.Origin.ToString(CultureInfo.InvariantCulture)
        && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var known)
            ? board.Find(known)
            : null;

    private string Id(StatusSnapshot snapshot) => string.Create(CultureInfo.InvariantCulture, $"{board.Origin}-{snapshot.Number}");

    private byte[] Changes(StatusSnapshot told, StatusSnapshot now)
    {
        var (changed, gone) = now.Since(told);
        using var text = new MemoryStream();
        foreach (var row in changed)
        {
            text.Write(Event("torrent", JsonSerializer.SerializeToUtf8Bytes(row, StatusJson.Default.TorrentRow), null));
        }

        foreach (var hash in gone)
        {
            text.Write(Event("gone", Encoding.UTF8.GetBytes($"{{\"hash\":\"{hash}\"}}"), null));
        }

        // The number comes with the last of them: who did not get all of it is told all of it again.
        text.Write(Event("summary", now.Summary, Id(now)));
        return text.ToArray();
    }

    private static byte[] Event(string name, ReadOnlySpan<byte> data, string? id) =>
        [.. Encoding.UTF8.GetBytes($"{(id is null ? "" : $"id: {id}\n")}event: {name}\ndata: "), .. data, .. "\n\n"u8];

    private async Task WriteAsync(HttpContext context, byte[] text, CancellationToken ends)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, ends);
        try
        {
            await context.Response.Body.WriteAsync(text, both.Token);
            await context.Response.Body.FlushAsync(both.Token);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            context.Abort();
            throw;
        }
    }
}
