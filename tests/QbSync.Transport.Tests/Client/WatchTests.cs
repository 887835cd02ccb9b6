using System.Runtime.CompilerServices;
using System.Threading.Channels;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Transport.Tests.Client;

/// <summary>One Watch over a real connection: all that it has to carry, and what comes after a cut.</summary>
internal sealed class WatchTests : LoopbackVerbs
{
    private const int Sessions = 5000;
    private const int Seconds = 5;

    /// <summary>How often each is told is the destination's; here all of it crosses, in order, and calls are answered meanwhile.</summary>
    [Test]
    [TransportCase(10)]
    public async Task FiveThousandFinalizing_OneWatch_CarriesTheProgressOfEach()
    {
        var ticks = Channel.CreateBounded<int>(Seconds);
        Fake.OnWatch = cancellationToken => TellAllAsync(ticks.Reader, cancellationToken);
        var seen = new Dictionary<InfoHash, List<long>>();
        var reading = Task.Run(async () =>
        {
            var count = 0;
            await foreach (var update in Remote.WatchAsync(Caller, default))
            {
                var status = ((DestinationUpdate.Changed)update).Status;
                (seen.TryGetValue(status.Id, out var told) ? told : seen[status.Id] = []).Add(status.Progress!.Done);
                if (++count == Sessions * Seconds)
                {
                    return;
                }
            }
        });
        for (var second = 1; second <= Seconds; second++)
        {
            ticks.Writer.TryWrite(second);
            await Remote.GetStatusAsync(Caller, new StatusRequest([Id], false), default).DefaultTimeout();
        }

        await reading.DefaultTimeout();
        Assert.That(seen, Has.Count.EqualTo(Sessions));
        Assert.That(seen.Values, Has.All.EqualTo(Enumerable.Range(1, Seconds).Select(static second => (long)second)));
        Assert.That(Fake.Requests.Count(static item => item.Request is "watch"), Is.EqualTo(1));
        Assert.That(await Server.ScrapeAsync(), Does.Contain("qbsync_stream_open_errors_total{mode=\"destination\"} 0\n"));
    }

    /// <summary>What was told while nobody heard it is not told again: the count of losses in the next status is what remains of it.</summary>
    [Test]
    [TransportCase(9)]
    public async Task Watch_CutWhileBitsAreLost_TheNextOneTellsTheCountOfLosses()
    {
        var have = new PieceBitmap(9);
        have.Set(3);
        var losses = 4UL;
        Fake.OnWatch = cancellationToken => TellOnceAsync(() => losses, cancellationToken);
        await using (var first = Remote.WatchAsync(Caller, default).GetAsyncEnumerator())
        {
            Assert.That(await first.MoveNextAsync().DefaultTimeout(), Is.True);
            Assert.That(((DestinationUpdate.Changed)first.Current).Status.Losses, Is.EqualTo(4UL));
            var port = Server.Port;
            await Server.DisposeAsync();
            losses = 5;
            have.Clear(3);
            Server = await Tests.Server.DestinationServer.StartAsync(Fake, Logs, port: port);
            Assert.That(async () => await ReadToEndAsync(first), Throws.TypeOf<PeerException>());
        }

        Fake.OnStatus = request => [.. request.Torrents.Select(id => NewStatus(id, losses) with { Have = have })];
        DestinationTorrentStatus? again = null;
        await Eventually.BecomesTrueAsync(async () =>
        {
            await using var second = Remote.WatchAsync(Caller, default).GetAsyncEnumerator();
            try
            {
                await second.MoveNextAsync();
                again = ((DestinationUpdate.Changed)second.Current).Status;
                return true;
            }
            catch (PeerException e) when (e.IsTransient)
            {
                // It may meet what is left of the connection that was cut.
                return false;
            }
        });
        Assert.That((again!.Losses, again.Have), Is.EqualTo((5UL, (PieceBitmap?)null)));
        var asked = (await Remote.GetStatusAsync(Caller, new StatusRequest([Id], true), default).DefaultTimeout()).Single();
        Assert.That((asked.Losses, asked.Have!.Count), Is.EqualTo((5UL, 0)));
    }

    private static async IAsyncEnumerable<DestinationUpdate> TellAllAsync(ChannelReader<int> ticks, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var second in ticks.ReadAllAsync(cancellationToken))
        {
            for (var i = 0; i < Sessions; i++)
            {
                var bytes = new byte[20];
                BitConverter.TryWriteBytes(bytes, i + 1);
                yield return new DestinationUpdate.Changed(new DestinationTorrentStatus
                {
                    Id = InfoHash.FromBytes(bytes),
                    State = DestinationTorrentState.Finalizing,
                    Progress = new OperationProgress(FinalizeStage.Verifying, second, Seconds),
                });
            }
        }
    }

    private static async IAsyncEnumerable<DestinationUpdate> TellOnceAsync(Func<ulong> losses, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return new DestinationUpdate.Changed(NewStatus(Id, losses()));
        await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
    }

    private static DestinationTorrentStatus NewStatus(InfoHash id, ulong losses) =>
        new() { Id = id, State = DestinationTorrentState.Receiving, Epoch = 1, Losses = losses };

    private static async Task ReadToEndAsync(IAsyncEnumerator<DestinationUpdate> updates)
    {
        while (await updates.MoveNextAsync().DefaultTimeout())
        {
            // The word that it stops, if anything.
        }
    }
}
