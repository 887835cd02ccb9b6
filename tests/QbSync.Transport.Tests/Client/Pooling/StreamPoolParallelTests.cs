using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Client.Pooling;

namespace QbSync.Transport.Tests.Client.Pooling;

/// <summary>A pool between the owner of its streams and many senders.</summary>
internal sealed class StreamPoolParallelTests
{
    private const int Owners = 2;
    private const int Senders = 4;
    private const int Steps = 3000;
    private const int Most = 8;
    private const int Least = 2;

    private readonly Lock _gate = new();
    private readonly List<PooledStream> _streams = [];
    private readonly HashSet<PooledStream> _leaving = [];
    private TestPool _test = null!;
    private int _chosenWhileLeaving;
    private int _sent;

    [Test]
    [TransportCase(28)]
    public async Task Pool_StreamsComeAndGoWhileSendersChoose_NoneThatLeavesIsChosen()
    {
        _test = new TestPool();
        AddStreams();
        var isOver = false;
        var sending = Enumerable.Range(0, Senders).Select(_ => Task.Run(async () =>
        {
            while (!Volatile.Read(ref isOver) && await SendAsync())
            {
                Interlocked.Increment(ref _sent);
            }
        })).ToList();

        await Task.WhenAll(Enumerable.Range(0, Owners).Select(seed => Task.Run(() => Own(new Random(seed))))).DefaultTimeout();
        await Eventually.BecomesTrueAsync(() => Volatile.Read(ref _sent) > Senders);
        Volatile.Write(ref isOver, true);
        await _test.Pool.CloseAsync().DefaultTimeout();
        await Task.WhenAll(sending).DefaultTimeout();

        Assert.That(_chosenWhileLeaving, Is.Zero);
        Assert.That((_test.Pool.InFlightPieces, _test.Pool.OpenStreams), Is.EqualTo((0, 0)));
        Assert.That(_streams.Select(stream => stream.Window.InFlight), Has.All.GreaterThanOrEqualTo(0L));
    }

    private void Own(Random random)
    {
        for (var i = 0; i < Steps; i++)
        {
            lock (_gate)
            {
                var stream = _streams[random.Next(_streams.Count)];
                switch (random.Next(4))
                {
                    case 0 when _streams.Count < Most:
                        _streams.Add(_test.Add(out _, slot: random.Next(4)));
                        break;
                    case 1 when _streams.Count - _leaving.Count > Least:
                        _leaving.Add(stream);
                        _ = _test.Pool.DrainAsync(stream);
                        break;
                    case 2:
                        // Lost, or gone after it was drained.
                        _streams.Remove(stream);
                        _leaving.Remove(stream);
                        _test.Pool.Remove(stream, isAsked: random.Next(2) == 0);
                        break;
                    default:
                        _test.ReportAll(stream);
                        break;
                }

                AddStreams();
            }
        }
    }

    private void AddStreams()
    {
        while (_streams.Count - _leaving.Count < Least)
        {
            _streams.Add(_test.Add(out _, slot: _streams.Count % 4));
        }
    }

    private async Task<bool> SendAsync()
    {
        List<PooledStream> leaving;
        lock (_gate)
        {
            leaving = [.. _leaving];
        }

        if (await _test.Pool.RentAsync(CancellationToken.None) is not { } stream)
        {
            return false;
        }

        if (leaving.Contains(stream))
        {
            Interlocked.Increment(ref _chosenWhileLeaving);
        }

        var transfer = _test.Pool.BeginChunk(stream, 0, new TestSource(1, 1000), 1000);
        if (transfer != 0)
        {
            _test.Pool.EndChunk(stream, transfer);
            _test.Pool.EndPiece(stream, transfer);
            _test.Pool.OnAnswer(stream, transfer, out _, out _);
        }

        _test.Pool.Return(stream);
        return true;
    }
}
