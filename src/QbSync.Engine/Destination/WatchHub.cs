using System.Runtime.CompilerServices;
using System.Threading.Channels;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination;

/// <summary>
/// Tells watchers what changed. Each watcher keeps only which torrents changed since it last looked, so a slow one gets fewer, newer messages and
/// holds up nobody. Thread-safe.
/// </summary>
internal sealed class WatchHub(TimeProvider time)
{
    /// <summary>Silence after which a sign of life is sent: a third of what makes a watcher give up.</summary>
    private static readonly TimeSpan BeatAfter = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly HashSet<Watcher> _watchers = [];
    private bool _stopped;

    /// <summary>How many watch.</summary>
    public int Watchers
    {
        get
        {
            lock (_gate)
            {
                return _watchers.Count;
            }
        }
    }

    /// <summary>A torrent's status changed.</summary>
    public void Changed(InfoHash id) => ForEach(watcher => watcher.Changed(id));

    /// <summary>A torrent lost held pieces.</summary>
    public void HaveChanged(InfoHash id) => ForEach(watcher => watcher.HaveChanged(id));

    /// <summary>There is room again.</summary>
    public void Room() => ForEach(static watcher => watcher.Room());

    /// <summary>The destination stops: every watcher is told, then ended.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _stopped = true;
        }

        ForEach(static watcher => watcher.Stop());
    }

    /// <summary>Messages for one watcher, beginning with the torrents of <paramref name="first"/>.</summary>
    public async IAsyncEnumerable<DestinationUpdate> WatchAsync(
        IEnumerable<InfoHash> first,
        Func<InfoHash, DestinationUpdate?> describe,
        Func<InfoHash, DestinationUpdate?> describeHave,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var watcher = new Watcher();
        Join(watcher);
        try
        {
            foreach (var id in first)
            {
                watcher.Changed(id);
            }

            while (true)
            {
                var batch = watcher.Take();
                foreach (var update in batch.Changed.Select(describe).Concat(batch.Have.Select(describeHave)))
                {
                    if (update is not null)
                    {
                        yield return update;
                    }
                }

                if (batch.Room)
                {
                    yield return new DestinationUpdate.Room();
                }

                if (batch.Stopping)
                {
                    yield return new DestinationUpdate.Stopping();
                    yield break;
                }

                if (!await watcher.WaitAsync(BeatAfter, time, cancellationToken).ConfigureAwait(false))
                {
                    yield return new DestinationUpdate.Beat();
                }
            }
        }
        finally
        {
            Leave(watcher);
        }
    }

    private void Join(Watcher watcher)
    {
        bool stopped;
        lock (_gate)
        {
            _watchers.Add(watcher);
            stopped = _stopped;
        }

        if (stopped)
        {
            watcher.Stop();
        }
    }

    private void Leave(Watcher watcher)
    {
        lock (_gate)
        {
            _watchers.Remove(watcher);
        }
    }

    private void ForEach(Action<Watcher> tell)
    {
        Watcher[] all;
        lock (_gate)
        {
            if (_watchers.Count == 0)
            {
                return;
            }

            all = [.. _watchers];
        }

        Array.ForEach(all, tell);
    }

    private readonly record struct Batch(IReadOnlyCollection<InfoHash> Changed, IReadOnlyCollection<InfoHash> Have, bool Room, bool Stopping);

    private sealed class Watcher
    {
        private readonly Lock _gate = new();
        private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
            new BoundedChannelOptions(1) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite }); // one signal says all
        private HashSet<InfoHash> _changed = [];
        private HashSet<InfoHash> _have = [];
        private bool _room;
        private bool _stopping;

        public void Changed(InfoHash id)
        {
            lock (_gate)
            {
                _changed.Add(id);
            }

            _signal.Writer.TryWrite(true);
        }

        public void HaveChanged(InfoHash id)
        {
            lock (_gate)
            {
                _have.Add(id);
            }

            _signal.Writer.TryWrite(true);
        }

        public void Room() => Notice(room: true, stopping: false);

        public void Stop() => Notice(room: false, stopping: true);

        public Batch Take()
        {
            lock (_gate)
            {
                var batch = new Batch(_changed, _have, _room, _stopping);
                (_changed, _have, _room) = ([], [], false);
                return batch;
            }
        }

        /// <summary>Waits for something to tell; false after a while of silence.</summary>
        public async Task<bool> WaitAsync(TimeSpan silence, TimeProvider time, CancellationToken cancellationToken)
        {
            using var quiet = new CancellationTokenSource(silence, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(quiet.Token, cancellationToken);
            try
            {
                return await _signal.Reader.ReadAsync(both.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return false;
            }
        }

        private void Notice(bool room, bool stopping)
        {
            lock (_gate)
            {
                _room |= room;
                _stopping |= stopping;
            }

            _signal.Writer.TryWrite(true);
        }
    }
}
