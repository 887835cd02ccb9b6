using System.Globalization;
using System.Net;
using QbSync.Ports;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Pipeline;

internal sealed class SlotsTests
{
    [Test, ClientCase(51)]
    public async Task HundredCallers_25SecondsPerAnswer_AreServedInOrderAndNoneTimesOut()
    {
        await using var client = new ScriptedClient();
        await client.Client.DescribeAsync(false, default);
        var gate = new Lock();
        var (inFlight, most) = (new int[2], new int[2]);
        Task<HttpResponseMessage> AnswerAsync(bool isHeavy) => Task.Run(async () =>
        {
            // Its time runs before it counts as in flight, which is when the clock moves.
            var answer = Task.Delay(TimeSpan.FromSeconds(25), client.Time);
            Count(isHeavy ? 1 : 0, 1);
            await answer;
            Count(isHeavy ? 1 : 0, -1);
            return ScriptedServer.Make(HttpStatusCode.OK, "[]"u8.ToArray());
        });
        void Count(int kind, int by)
        {
            lock (gate)
            {
                inFlight[kind] += by;
                most[kind] = Math.Max(most[kind], inFlight[kind]);
            }
        }

        client.Server.AlwaysDo("torrents/files", () => AnswerAsync(isHeavy: false));
        client.Server.AlwaysDo("torrents/info", () => AnswerAsync(isHeavy: true));
        var calls = Enumerable.Range(0, 100).Select(number => number % 5 == 4
            ? (Task)client.Api.GetTorrentsAsync(null, default)
            : client.Api.GetFilesInformationAsync(IdOf(number), default)).ToList();
        for (var round = 0; round < 20; round++)
        {
            await Eventually.BecomesTrueAsync(() => client.Server.Calls.Count == 5 * (round + 1) && Volatile.Read(ref inFlight[0]) == 4 && Volatile.Read(ref inFlight[1]) == 1);
            client.Time.Advance(TimeSpan.FromSeconds(25));
        }

        await Task.WhenAll(calls).DefaultTimeout();
        Assert.That(most, Is.EqualTo(new[] { 4, 1 }));
        Assert.That(client.Metric("qbsync_qb_client_retries_total"), Is.Zero, "500 s in the queue and 25 s in the slot, of 30 s: waiting is not the attempt's");
        var files = client.Server.Calls.Where(static call => call.Path.StartsWith("torrents/files", StringComparison.Ordinal)).Select(static call => call.Path).ToList();
        var expected = Enumerable.Range(0, 100).Where(static number => number % 5 != 4).Select(static number => $"torrents/files?hash={IdOf(number)}").ToList();
        Assert.That(files.Chunk(4).Select(static group => group.Order(StringComparer.Ordinal)), Is.EqualTo(expected.Chunk(4).Select(static group => group.Order(StringComparer.Ordinal))));
    }

    private static ClientTorrentId IdOf(int number) => new(number.ToString("x40", CultureInfo.InvariantCulture));
}
