using QbSync.Ports;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>
/// A source that is short of space: its torrents lie on a disk in memory, a delete by the client takes their names away, and what that frees becomes visible
/// when the test says. Torrents that are held are complete at the destination already.
/// </summary>
internal sealed class CleanupWorld : IAsyncDisposable
{
    public const ulong Device = 5;
    public const long MiB = 1 << 20;
    public const long MinSpace = 1024 * MiB;
    private readonly Lock _gate = new();
    private readonly Dictionary<ClientTorrentId, ScriptedTorrent> _torrents = [];
    private readonly List<(DateTimeOffset At, long Bytes)> _freed = [];
    private int _deletesSeen;
    private int _seed;

    public CleanupWorld(Action<SourceOptions>? configure = null)
    {
        World.Options.MinSpace = MinSpace;
        World.Options.Handoff.MinSeedingTime = TimeSpan.Zero;
        World.Options.Handoff.DeleteGrace = TimeSpan.Zero;
        World.Options.Handoff.VerifyAnnounce = false;
        World.Options.CallTimeout = TimeSpan.FromSeconds(10);
        configure?.Invoke(World.Options);
        World.Disk.GetSpace = _ => IsMounted ? new LocalFileSystem(Device, Free, 1 << 40) : new LocalFileSystem(Device + 1, 1, 1 << 30);
        World.Client.After = OnClientAsync;
    }

    public SourceWorld World { get; } = new();

    public ScriptedClient Client => World.Client;

    public MemoryDisk Disk => World.Disk;

    /// <summary>Whether the data folder shows its own file system.</summary>
    public bool IsMounted { get; set; } = true;

    /// <summary>Free bytes at the start.</summary>
    public long FreeAtFirst { get; set; } = MinSpace / 2;

    /// <summary>Time from a delete until what it freed is visible.</summary>
    public TimeSpan VisibleAfter { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether the file system tells its free space.</summary>
    public bool IsTold { get; set; } = true;

    /// <summary>Called when the client deletes something, before the disk changes.</summary>
    public Action<ScriptedTorrent> OnDelete { get; set; } = static _ => { };

    /// <summary>What the client was made to delete.</summary>
    public IReadOnlyList<string> Deleted
    {
        get
        {
            lock (_gate)
            {
                return [.. Client.Deleted.Take(_deletesSeen).Select(deleted => _torrents[deleted.Id].Torrent.Name)];
            }
        }
    }

    private long? Free
    {
        get
        {
            lock (_gate)
            {
                return IsTold ? FreeAtFirst + _freed.Where(freed => World.Time.GetUtcNow() - freed.At >= VisibleAfter).Sum(static freed => freed.Bytes) : null;
            }
        }
    }

    /// <summary>Adds a torrent of one file that takes so much of the disk.</summary>
    public ScriptedTorrent Add(string name, long bytes = 100 * MiB, bool held = true, bool complete = true, string? sameFileAs = null) =>
        Add(new TorrentBuilder(name) { Length = 30_000, PieceLength = 16384, Seed = ++_seed }.Build(), bytes, held, complete, sameFileAs);

    /// <summary>Adds a torrent; its files are put on the disk unless they are there.</summary>
    public ScriptedTorrent Add(BuiltTorrent torrent, long bytes = 100 * MiB, bool held = true, bool complete = true, string? sameFileAs = null)
    {
        if (held)
        {
            World.Destination.Hold(torrent);
        }

        foreach (var path in PathsOf(torrent).Where(path => !Disk.Exists(path)))
        {
            Disk.Put(path, Device, bytes, sameFileAs);
        }

        var added = Client.Add(torrent, complete);
        lock (_gate)
        {
            _torrents[added.Id] = added;
        }

        return added;
    }

    public static IReadOnlyList<string> PathsOf(BuiltTorrent torrent) => [.. torrent.Files.Select(static file => $"/data/{file.RelativePath}")];

    public bool IsActive(ScriptedTorrent torrent) => Client.Has(torrent) && !torrent.IsStopped;

    public async Task<double> ScrapeAsync(string series) => (await World.ScrapeAsync()).Split('\n').Where(line => line.StartsWith(series + " ", StringComparison.Ordinal))
        .Select(static line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture)).SingleOrDefault(double.NaN);

    public ValueTask DisposeAsync() => World.DisposeAsync();

    private ValueTask OnClientAsync(string call)
    {
        if (call != "here.delete")
        {
            return default;
        }

        lock (_gate)
        {
            foreach (var (id, withFiles) in Client.Deleted.Skip(_deletesSeen))
            {
                _deletesSeen++;
                OnDelete(_torrents[id]);
                var freed = withFiles ? PathsOf(_torrents[id].Torrent).Sum(Disk.Remove) : 0;
                _freed.Add((World.Time.GetUtcNow(), freed));
            }
        }

        return default;
    }
}
