using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using QbSync.Engine.Shared;
using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Source.Peers;
using QbSync.Engine.Source.Phases;
using QbSync.Engine.Source.Records;
using QbSync.Ports;

namespace QbSync.Engine.Tests.Source.World;

internal sealed partial class HandoffRig
{
    /// <summary>What of a source's process a handoff needs, and the run of one.</summary>
    internal sealed class Process : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop;
        private readonly RecordWriter _records;
        private readonly ReadBack _readBack;
        private readonly ClientLists _lists;
        private readonly HandoffRig _rig;
        private readonly PeerWatcher _watcher;
        private Task[] _background = [];
        private volatile DestinationGreeting? _greeting;

        public Process(HandoffRig rig, HandoffEntry entry, bool isRecovered, CancellationToken end)
        {
            _rig = rig;
            _stop = CancellationTokenSource.CreateLinkedTokenSource(end);
            Registry = Prometheus.Metrics.NewCustomRegistry();
            var clock = new MonotonicClock(rig.Time);
            var metrics = new EngineMetrics(Prometheus.Metrics.WithCustomRegistry(Registry), Registry, "source", new SeriesLimits(), rig.Log);
            _watcher = new PeerWatcher(
                rig.Destination,
                new Caller(Guid.NewGuid(), "test"),
                rig.Options,
                clock,
                new Chance(new Random(1)),
                metrics,
                OnPeerAsync,
                NullLogger<PeerWatcher>.Instance);
            _records = new RecordWriter(
                new RecordStore(rig.Records, NullLogger<RecordStore>.Instance), NullLogger<RecordWriter>.Instance);
            _readBack = new ReadBack(rig.Client, rig.Time, NullLogger<ReadBack>.Instance);
            _lists = new ClientLists(rig.Time);
            var services = new HandoffServices
            {
                Options = rig.Options,
                Client = rig.Client,
                ReadBack = _readBack,
                Destination = new DestinationCalls(rig.Destination, new Caller(Guid.NewGuid(), "test"), _watcher, rig.Options.CallTimeout, clock),
                Loader = new ContentLoader(rig.Client, rig.Client, rig.Options, clock),
                Reader = rig.Client,
                Journal = new HandoffJournal(new WatchedRecords(rig), NullLogger<HandoffJournal>.Instance),
                Audit = new AuditLog(new WatchedRecords(rig)),
                Records = _records,
                Lists = _lists,
                Turn = rig,
                Shared = rig,
                Clock = clock,
                Metrics = metrics,
                Logger = rig.Log.CreateLogger<HandoffRun>(),
                IsDesperate = () => rig.IsDesperate,
                Incarnation = () => _greeting?.Incarnation,
            };
            Run = new HandoffRun(services, entry.Group, entry, new Dictionary<QbSync.Torrents.InfoHash, HandoffFacts>(), isRecovered, _ => { });
        }

        public CollectorRegistry Registry { get; }

        public HandoffRun Run { get; }

        public Task<HandoffEnd?> Running { get; private set; } = Task.FromResult<HandoffEnd?>(null);

        /// <summary>Begins its work: once the rig knows of it, since its first call may end it.</summary>
        public void Start()
        {
            _background =
            [
                Task.Run(() => _watcher.RunAsync(_stop.Token), CancellationToken.None),
                Task.Run(_records.RunAsync, CancellationToken.None),
                Task.Run(PollAsync, CancellationToken.None),
            ];
            Running = Task.Run(RunAsync);
        }

        /// <summary>The end of this process, as a crash: nothing more of it has an effect.</summary>
        public void Kill() => Run.Suspend();

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _records.Complete();
            await _readBack.DisposeAsync();
            await _rig.PassUntilAsync(() => Array.TrueForAll(_background, static task => task.IsCompleted), "the process ends");
            Run.Dispose();
            _stop.Dispose();
        }

        private async Task<HandoffEnd?> RunAsync()
        {
            while (_greeting is null && !_stop.IsCancellationRequested && !_rig.Destination.IsDown)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), _rig.Time);
            }

            return await Run.RunAsync();
        }

        private ValueTask OnPeerAsync(PeerEvent news, CancellationToken cancellationToken)
        {
            if (news is PeerEvent.Up up)
            {
                _greeting = up.Greeting;
            }

            return default;
        }

        private async Task PollAsync()
        {
            while (!_stop.IsCancellationRequested)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(500), _rig.Time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                try
                {
                    var list = await _rig.Client.PollAsync([], CancellationToken.None);
                    _lists.Publish(list);
                    foreach (var torrent in _rig.Torrents.Where(torrent => list.Removed.Contains(torrent.Id)))
                    {
                        Run.OnRemoved(torrent.Torrent.Id);
                    }
                }
                catch (TorrentClientException)
                {
                    // Away; asked again.
                }
            }
        }
    }

    /// <summary>Records at which a process may end, before and after each write.</summary>
    private sealed class WatchedRecords(HandoffRig rig) : IDurableRecords
    {
        public ValueTask<byte[]?> ReadAsync(string name, CancellationToken cancellationToken) => rig.Records.ReadAsync(name, cancellationToken);

        public async ValueTask WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        {
            await rig.OnCall("journal", true);
            await rig.Records.WriteAsync(name, content, cancellationToken);
            await rig.OnCall("journal", false);
        }

        public async ValueTask RemoveAsync(string name, CancellationToken cancellationToken)
        {
            await rig.OnCall("journal", true);
            await rig.Records.RemoveAsync(name, cancellationToken);
            await rig.OnCall("journal", false);
        }

        public ValueTask<IReadOnlyList<string>> ListAsync(string prefix, CancellationToken cancellationToken) => rig.Records.ListAsync(prefix, cancellationToken);

        public ValueTask AppendLineAsync(string name, ReadOnlyMemory<byte> line, CancellationToken cancellationToken) =>
            rig.Records.AppendLineAsync(name, line, cancellationToken);
    }
}
