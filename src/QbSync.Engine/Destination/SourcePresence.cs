using QbSync.Engine.Shared;
using QbSync.Engine.Status;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

/// <summary>Which sources listen here, and which of those that did have been away for long. Thread-safe.</summary>
internal sealed class SourcePresence
{
    /// <summary>Most sources that are kept; more are not told of.</summary>
    private const int MostSources = 1000;

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, Seen> _sources = [];

    /// <summary>It listens, until the answer is disposed.</summary>
    public IDisposable Join(Caller caller)
    {
        lock (_gate)
        {
            if (!_sources.TryGetValue(caller.Source, out var seen))
            {
                seen = new Seen();
                if (_sources.Count < MostSources)
                {
                    _sources[caller.Source] = seen;
                }
            }

            seen.Name = caller.Name;
            seen.Listeners++;
            return new Stay(this, seen);
        }
    }

    /// <summary>Names of those of which it has to be told now that they are lost, or back. By one caller at a time.</summary>
    public IReadOnlyList<(string Name, bool IsLost)> See(TimeSpan now)
    {
        List<(string, bool)> news = [];
        lock (_gate)
        {
            foreach (var seen in _sources.Values)
            {
                if (seen.Absence.See(seen.Listeners > 0, now) is { } isLost)
                {
                    news.Add((seen.Name, isLost));
                }
            }
        }

        return news;
    }

    /// <summary>All of them, by name.</summary>
    public IReadOnlyList<SourceStatus> List()
    {
        lock (_gate)
        {
            return
            [
                .. _sources.Values.Select(static seen => new SourceStatus(seen.Name, seen.Listeners > 0))
                    .OrderBy(static source => source.Name, StringComparer.Ordinal),
            ];
        }
    }

    private void Leave(Seen seen)
    {
        lock (_gate)
        {
            seen.Listeners--;
        }
    }

    private sealed class Seen
    {
        public Absence Absence { get; } = new();

        public string Name { get; set; } = "";

        public int Listeners { get; set; }
    }

    private sealed class Stay(SourcePresence owner, Seen seen) : IDisposable
    {
        private int _isOver;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isOver, 1) == 0)
            {
                owner.Leave(seen);
            }
        }
    }
}
