using System.Globalization;
using System.Net.Http.Headers;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Real;

/// <summary>What our polling costs a real client with many torrents: its process's own CPU time, beside the same while nobody asks.</summary>
[Category("Real"), Category("Long"), NonParallelizable]
internal sealed class PollingCostTests
{
    private const int Torrents = 2000, PerAdd = 50;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(500);

    [Test, CancelAfter(600_000), ClientCase(26)]
    public async Task Polling_OfTwoThousandIdleTorrents_CostsTheClientNextToNothing(CancellationToken stop)
    {
        await using var real = await RealClient.StartAsync();
        await AddAsync(real, stop);
        var ids = await SettleAsync(real, stop);
        var idle = await MeasureAsync(real, TimeSpan.FromSeconds(30), static () => Task.CompletedTask, stop);

        List<ClientUpdateKind> kinds = [];
        ClientTorrentId[] watched = [.. ids.Take(10)];
        var polled = await MeasureAsync(
            real,
            TimeSpan.FromSeconds(60),
            async () => kinds.Add((await real.Client.PollAsync(watched, stop)).Kind),
            stop);

        // What it does of its own becomes less all the time.
        var idleAfter = await MeasureAsync(real, TimeSpan.FromSeconds(30), static () => Task.CompletedTask, stop);
        var cost = polled - Math.Min(idle, idleAfter);
        var version = await real.Instance.GetAsync("app/version", stop);
        TestContext.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{version}: {idle:P2} of a core before, {polled:P2} polled, {idleAfter:P2} after; {string.Join(", ", kinds.CountBy(static kind => kind).Select(static pair => $"{pair.Key} {pair.Value}"))}"));
        Assert.That(cost, Is.LessThanOrEqualTo(await real.IsAtLeastAsync("2.11.0") ? 0.01 : 0.06));
    }

    // Without content, stopped: nothing of it changes. Many in one call, as our client never does.
    private static async Task AddAsync(RealClient real, CancellationToken stop)
    {
        // A new connection each time: while a client adds it serves nobody, and then cuts who seemed idle.
        using var http = new HttpClient { BaseAddress = real.Instance.Url, Timeout = TimeSpan.FromMinutes(2) };
        http.DefaultRequestHeaders.ConnectionClose = true;
        for (var first = 0; first < Torrents; first += PerAdd)
        {
            using var form = new MultipartFormDataContent();
            for (var i = first; i < first + PerAdd; i++)
            {
                var torrent = new TorrentBuilder($"Some.Name.Of.A.Torrent.That.Is.Idle.{i:0000}") { Seed = i, Length = 16_384, PieceLength = 16_384 }.Build();
                var part = new ByteArrayContent(torrent.Bytes);
                part.Headers.ContentType = new MediaTypeHeaderValue("application/x-bittorrent");
                form.Add(part, "torrents", $"{torrent.Id}.torrent");
            }

            foreach (var (name, value) in new[] { ("savepath", real.Instance.SavePath), ("stopped", "true"), ("paused", "true") })
            {
                form.Add(new StringContent(value), name);
            }

            using var answer = await http.PostAsync("api/v2/torrents/add", form, stop);
            answer.EnsureSuccessStatusCode();
        }
    }

    private static async Task<IEnumerable<ClientTorrentId>> SettleAsync(RealClient real, CancellationToken stop)
    {
        ClientUpdate? update = null;
        await Eventually.BecomesTrueAsync(
            async () =>
            {
                update = await real.Client.PollAsync([], stop);
                return update.Torrents.Count == Torrents && update.Torrents.All(static torrent => torrent.IsStopped);
            },
            TimeSpan.FromMinutes(4));

        // It writes down what it has got for a while yet.
        var began = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromMinutes(2)
            && await MeasureAsync(real, TimeSpan.FromSeconds(5), static () => Task.CompletedTask, stop) > 0.005)
        {
        }

        return update!.Torrents.Select(static torrent => torrent.Id);
    }

    // Share of a core.
    private static async Task<double> MeasureAsync(RealClient real, TimeSpan time, Func<Task> eachInterval, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(PollInterval);
        var began = TimeProvider.System.GetTimestamp();
        var before = CpuTime(real.Instance.ProcessId);
        while (TimeProvider.System.GetElapsedTime(began) < time)
        {
            await timer.WaitForNextTickAsync(stop);
            await eachInterval();
        }

        return (CpuTime(real.Instance.ProcessId) - before) / TimeProvider.System.GetElapsedTime(began);
    }

    private static TimeSpan CpuTime(int process)
    {
        using var running = System.Diagnostics.Process.GetProcessById(process);
        return running.TotalProcessorTime;
    }
}
