using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using QbSync.Host.Endpoints;
using QbSync.Host.Tests.Reporting;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Endpoints;

internal sealed class EventStreamTests
{
    [Test]
    [HostCase(28)]
    public async Task Reader_IsToldAllOnceThenWhatChanged()
    {
        await using var lab = new StatusLab();
        lab.Show(StatusLab.Engine(StatusLab.Torrent(1), StatusLab.Torrent(2)));
        await using var reader = await Reader.OpenAsync(await lab.ListenAsync());
        var first = await reader.NextAsync();
        Assert.That(first.Name, Is.EqualTo("status"));
        Assert.That(first.Data.GetProperty("torrents").GetArrayLength(), Is.EqualTo(2));

        lab.Show(StatusLab.Engine(StatusLab.Torrent(1, done: 6)));
        var (torrent, gone, summary) = (await reader.NextAsync(), await reader.NextAsync(), await reader.NextAsync());
        Assert.Multiple(() =>
        {
            Assert.That((torrent.Name, torrent.Data.GetProperty("piecesDone").GetInt32()), Is.EqualTo(("torrent", 6)));
            Assert.That((gone.Name, gone.Data.GetProperty("hash").GetString()), Is.EqualTo(("gone", $"{StatusLab.Id(2)}")));
            Assert.That((summary.Name, summary.Data.GetProperty("totals").GetProperty("torrents").GetInt32()), Is.EqualTo(("summary", 1)));
            Assert.That(summary.Data.TryGetProperty("torrents", out _), Is.False);
        });
    }

    [Test]
    [HostCase(28)]
    public async Task Reader_ThatComesBack_IsToldWhatItMissed()
    {
        await using var lab = new StatusLab();
        var address = await lab.ListenAsync();
        lab.Show(StatusLab.Engine(StatusLab.Torrent(1), StatusLab.Torrent(2)));
        lab.Pass(TimeSpan.FromSeconds(1)); // from here on the rate is known, so that what stands still does not change
        string id;
        await using (var reader = await Reader.OpenAsync(address))
        {
            id = (await reader.NextAsync()).Id;
        }

        lab.Show(StatusLab.Engine(StatusLab.Torrent(1), StatusLab.Torrent(2, done: 7)));
        await using var again = await Reader.OpenAsync(address, id);
        var missed = await again.NextAsync();
        Assert.That((missed.Name, missed.Data.GetProperty("piecesDone").GetInt32()), Is.EqualTo(("torrent", 7)));
        Assert.That((await again.NextAsync()).Name, Is.EqualTo("summary"));

        await using var stranger = await Reader.OpenAsync(address, "77-1");
        Assert.That((await stranger.NextAsync()).Name, Is.EqualTo("status"), "of another process");
        for (var i = 0; i < 60; i++)
        {
            lab.Pass(TimeSpan.FromSeconds(1));
        }

        await using var late = await Reader.OpenAsync(address, id);
        Assert.That((await late.NextAsync()).Name, Is.EqualTo("status"), "away for more than a minute");
    }

    [Test]
    [HostCase(28)]
    public async Task Reader_TheSeventeenth_IsSentAway_AndAPlaceThatIsLeftIsFree()
    {
        await using var lab = new StatusLab();
        var address = await lab.ListenAsync();
        var readers = new List<Reader>();
        for (var i = 0; i < EventStream.MostReaders; i++)
        {
            readers.Add(await Reader.OpenAsync(address));
        }

        using (var http = new HttpClient { BaseAddress = address })
        using (var refused = await http.GetAsync("/api/v1/events", HttpCompletionOption.ResponseHeadersRead))
        {
            Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        }

        foreach (var reader in readers)
        {
            await reader.DisposeAsync();
        }

        await Eventually.BecomesTrueAsync(() => lab.Events.Readers == 0);
        await using var next = await Reader.OpenAsync(address);
        Assert.That((await next.NextAsync()).Name, Is.EqualTo("status"));
    }

    /// <summary>It takes nothing, so what is sent to it fills every buffer on the way, and then stands.</summary>
    [Test]
    [HostCase(28)]
    public async Task Reader_ThatTakesNothing_IsDropped()
    {
        await using var lab = new StatusLab();
        var address = await lab.ListenAsync();
        var name = new string('x', 500);
        lab.Show(StatusLab.Engine([.. Enumerable.Range(1, 1000).Select(i => StatusLab.Torrent(i) with { Name = name, Reason = name })]));
        using var stalled = new TcpClient { ReceiveBufferSize = 4096 };
        await stalled.ConnectAsync(IPAddress.Loopback, address.Port);
        await stalled.GetStream().WriteAsync(Encoding.ASCII.GetBytes("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        await Eventually.BecomesTrueAsync(() => lab.Events.Readers == 1);
        var done = 0;
        await Eventually.BecomesTrueAsync(() =>
        {
            // All rows change each time, so there is always more to be sent than buffers hold; and its patience passes in this clock alone.
            done = (done + 1) % 10;
            lab.Show(StatusLab.Engine([.. Enumerable.Range(1, 1000).Select(i => StatusLab.Torrent(i, done: done) with { Name = name, Reason = name })]));
            return lab.Events.Readers == 0;
        });
    }

    /// <summary>An event stream as a browser reads it.</summary>
    private sealed class Reader(HttpClient http, HttpResponseMessage answer, StreamReader lines) : IAsyncDisposable
    {
        public static async Task<Reader> OpenAsync(Uri address, string? last = null)
        {
            var http = new HttpClient { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
            var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/events");
            if (last is not null)
            {
                request.Headers.Add("Last-Event-ID", last);
            }

            var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).DefaultTimeout();
            Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("text/event-stream"));
            return new Reader(http, answer, new StreamReader(await answer.Content.ReadAsStreamAsync()));
        }

        public async Task<(string Name, string Id, JsonElement Data)> NextAsync()
        {
            var (name, id, data) = ("", "", "");
            while (true)
            {
                var line = await lines.ReadLineAsync().DefaultTimeout() ?? throw new EndOfStreamException();
                if (line.Length == 0 && name.Length > 0)
                {
                    return (name, id, JsonSerializer.Deserialize<JsonElement>(data));
                }

                var at = line.IndexOf(": ", StringComparison.Ordinal);
                switch (at > 0 ? line[..at] : "")
                {
                    case "event":
                        name = line[(at + 2)..];
                        break;
                    case "id":
                        id = line[(at + 2)..];
                        break;
                    case "data":
                        data = line[(at + 2)..];
                        break;
                }
            }
        }

        public ValueTask DisposeAsync()
        {
            lines.Dispose();
            answer.Dispose();
            http.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
