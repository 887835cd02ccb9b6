using Microsoft.Extensions.Time.Testing;
using QbSync.Engine.Destination;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Destination;

[TestFixture]
internal sealed class WatchHubTests
{
    private const int Sessions = 5000;
    private const int Seconds = 15;

    [Test]
    [TransportCase(10)]
    public async Task FiveThousandFinalizing_OneWatch_ProgressOfEachEachSecondAtMost()
    {
        var time = new FakeTimeProvider();
        var hub = new WatchHub(time);
        using var stop = new CancellationTokenSource();
        var told = new Dictionary<InfoHash, List<int>>();
        var second = 0;
        var reading = Task.Run(async () =>
        {
            var updates = hub.WatchAsync([], Describe, static _ => null, stop.Token);
            await foreach (var update in updates)
            {
                if (update is DestinationUpdate.Changed { Status: var status })
                {
                    lock (told)
                    {
                        (told.TryGetValue(status.Id, out var times) ? times : told[status.Id] = []).Add((int)status.Epoch);
                    }
                }
            }
        });
        await Eventually.BecomesTrueAsync(() => hub.Watchers == 1);
        for (second = 1; second <= Seconds; second++)
        {
            // As the engine does, once a second for all; twice, since a change of state may come beside it.
            foreach (var id in Enumerable.Range(0, Sessions).Select(Id))
            {
                hub.Changed(id);
            }

            await Eventually.BecomesTrueAsync(() =>
            {
                lock (told)
                {
                    return told.Count == Sessions && told.Values.All(times => times[^1] == second);
                }
            });
            time.Advance(TimeSpan.FromSeconds(1));
        }

        await stop.CancelAsync();
        Assert.That(async () => await reading.DefaultTimeout(), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(hub.Watchers, Is.Zero);
        Assert.That(told.Values, Has.All.Count.EqualTo(Seconds), "once for each second");

        DestinationUpdate Describe(InfoHash id) => new DestinationUpdate.Changed(
            new DestinationTorrentStatus { Id = id, State = DestinationTorrentState.Finalizing, Epoch = (ulong)second });
    }

    private static InfoHash Id(int number)
    {
        var bytes = new byte[20];
        BitConverter.TryWriteBytes(bytes, number + 1);
        return InfoHash.FromBytes(bytes);
    }
}
