using QbSync.Transport.Congestion;
using QbSync.Transport.Server;

namespace QbSync.Transport.Tests.Congestion;

/// <summary>Takes chunks off the streams at once, reports them in batches, and gives credit for what its disk has written.</summary>
internal sealed class SimulatedDestination(VirtualTime time, double diskBytesPerSecond)
{
    private static readonly TimeSpan BatchEvery = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan StallEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Stall = TimeSpan.FromSeconds(2);
    private readonly ReceiveBudget _budget = new(512 << 20, CongestionWindow.Largest, new VirtualTimeProvider(time));
    private TimeSpan _diskFreeAt;

    private VirtualTime Time => time;

    /// <summary>Whether the disk writes nothing in two of ten seconds.</summary>
    public bool Stalls { get; init; } = true;

    /// <summary>What the destination's TCP knows of the way; null where it knows nothing.</summary>
    public Func<TimeSpan>? RoundTrip { get; init; }

    public Stream Open(Action<long, long, ulong, TimeSpan> report) => new(this, report);

    private TimeSpan GetWrittenAt(int bytes)
    {
        var from = _diskFreeAt > time.Now ? _diskFreeAt : time.Now;
        var inPeriod = TimeSpan.FromTicks(from.Ticks % StallEvery.Ticks);
        var writing = TimeSpan.FromSeconds(bytes / diskBytesPerSecond);
        if (Stalls && inPeriod + writing > StallEvery - Stall)
        {
            from += inPeriod < StallEvery - Stall ? Stall : StallEvery - inPeriod;
        }

        return _diskFreeAt = from + writing;
    }

    /// <summary>One stream at the destination.</summary>
    internal sealed class Stream
    {
        private readonly SimulatedDestination _destination;
        private readonly Action<long, long, ulong, TimeSpan> _report;
        private readonly BudgetShare _share;
        private TimeSpan _reportedAt = TimeSpan.FromSeconds(-1);
        private TimeSpan _newestAt;
        private bool _isReporting;

        public Stream(SimulatedDestination destination, Action<long, long, ulong, TimeSpan> report)
        {
            (_destination, _report) = (destination, report);
            _share = destination._budget.Open(Report);
            Look();
        }

        public long Credit => _destination._budget.Read(_share).Granted;

        /// <summary>Bytes taken off the stream.</summary>
        public long Taken { get; private set; }

        public void Take(int bytes)
        {
            var weight = ChunkWeight.Of(bytes);
            Assert.That(_destination._budget.TryReceive(_share, weight), "a chunk without credit");
            Taken += bytes;
            _newestAt = _destination.Time.Now;
            Report();
            _destination.Time.At(_destination.GetWrittenAt(bytes), () =>
            {
                _destination._budget.Release(_share, weight);
                Report();
            });
        }

        private void Look()
        {
            if (_destination.RoundTrip is { } roundTrip)
            {
                _destination._budget.NoteRoundTrip(_share, roundTrip());
                _destination.Time.In(TimeSpan.FromSeconds(1), Look);
            }
        }

        public void Close() => _destination._budget.Close(_share);

        private void Report()
        {
            if (_isReporting)
            {
                return;
            }

            _isReporting = true;
            _destination.Time.At(_reportedAt + BatchEvery, () =>
            {
                _isReporting = false;
                _reportedAt = _destination.Time.Now;
                var (received, granted, returns) = _destination._budget.Read(_share);
                _report(received, granted, (ulong)returns, _destination.Time.Now - _newestAt);
            });
        }
    }
}
