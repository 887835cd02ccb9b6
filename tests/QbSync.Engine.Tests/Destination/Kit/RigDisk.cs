using QbSync.Testing.Machine;

namespace QbSync.Engine.Tests.Destination.Kit;

/// <summary>The folders of a <see cref="DestinationRig"/>, which survive its restarts, and the faults that its store shall meet.</summary>
internal sealed class RigDisk : IDisposable
{
    private readonly TempDirectory _folder = new();
    private readonly Dictionary<string, Queue<StorageException>> _faults = [];

    public RigDisk()
    {
        Data = _folder.CreateFolder("data");
        Files = new RigFiles(Data);
    }

    public Lock Gate { get; } = new();

    public string Data { get; }

    public string State => _folder["state"];

    /// <summary>Final files by their path below the root.</summary>
    public RigFiles Files { get; }

    /// <summary>Our hidden files, by their path below the root.</summary>
    public string[] Unfinished => Directory.Exists(Data)
        ? [.. Directory.GetFiles(Data, "*.qbsync-part", RigFiles.Everything).Select(path => Path.GetRelativePath(Data, path)).Order(StringComparer.Ordinal)]
        : [];

    /// <summary>Torrents that have a folder of state.</summary>
    public int TorrentCount => Directory.Exists(Path.Combine(State, "torrents")) ? Directory.GetDirectories(Path.Combine(State, "torrents")).Length : 0;

    /// <summary>What the store says is free.</summary>
    public long? FreeBytes { get; set; } = 1L << 40;

    /// <summary>Makes the next call of one verb of the store fail.</summary>
    public void Fail(string verb, StorageFault fault)
    {
        lock (Gate)
        {
            if (!_faults.TryGetValue(verb, out var queue))
            {
                _faults[verb] = queue = new Queue<StorageException>();
            }

            queue.Enqueue(new StorageException(fault, $"injected: {verb}"));
        }
    }

    /// <summary>Whether a fault of a verb is still to come.</summary>
    public bool IsFaulty(string verb)
    {
        lock (Gate)
        {
            return _faults.TryGetValue(verb, out var queue) && queue.Count > 0;
        }
    }

    public void ThrowIfFaulty(string verb)
    {
        lock (Gate)
        {
            if (_faults.TryGetValue(verb, out var queue) && queue.TryDequeue(out var fault))
            {
                throw fault;
            }
        }
    }

    public void Dispose() => _folder.Dispose();
}
