using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using QbSync.Ports;
using QbSync.Testing.Waiting;
using QbSync.Transport.Server;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Server;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class WatchWriterTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly Channel<DestinationUpdate> _source = Channel.CreateBounded<DestinationUpdate>(10); // more than a test makes
    private readonly Recorder _written = new();

    [Test]
    public async Task Silence_OfTenSeconds_IsFilledWithABeatEachTime()
    {
        using var stop = new CancellationTokenSource();
        var running = new WatchWriter(_written, _time).RunAsync(ReadAsync(stop.Token), stop.Token);
        for (var beats = 1; beats <= 3; beats++)
        {
            // The writer may not have begun its wait yet: time passes until it has.
            await Eventually.BecomesTrueAsync(() =>
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                return _written.Updates.Count >= beats;
            });
        }

        Assert.That(_written.Updates.Select(update => update.UpdateCase), Is.All.EqualTo(WatchUpdate.UpdateOneofCase.Beat));
        _source.Writer.TryWrite(new DestinationUpdate.Room());
        await Eventually.BecomesTrueAsync(() => _written.Updates.Any(update => update.UpdateCase == WatchUpdate.UpdateOneofCase.Notice));
        await stop.CancelAsync();
        Assert.That(async () => await running.DefaultTimeout(), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task Source_Ends_EndsTheWatch()
    {
        _source.Writer.TryWrite(new DestinationUpdate.Room());
        _source.Writer.Complete();
        await new WatchWriter(_written, _time).RunAsync(ReadAsync(default), default).DefaultTimeout();
        Assert.That(_written.Updates, Has.Count.EqualTo(1));
    }

    private async IAsyncEnumerable<DestinationUpdate> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var update in _source.Reader.ReadAllAsync(cancellationToken))
        {
            yield return update;
        }
    }

    private sealed class Recorder : IServerStreamWriter<WatchUpdate>
    {
        public ConcurrentQueue<WatchUpdate> Updates { get; } = new();

        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(WatchUpdate message)
        {
            Updates.Enqueue(message);
            return Task.CompletedTask;
        }

        public Task WriteAsync(WatchUpdate message, CancellationToken cancellationToken) => WriteAsync(message);
    }
}
