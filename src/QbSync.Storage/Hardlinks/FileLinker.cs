using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using QbSync.Storage.IO;
using QbSync.Storage.State;
using QbSync.Torrents;

namespace QbSync.Storage.Hardlinks;

/// <summary>
/// Finds files that are here already under another name, by the identity that the source's file system gives them. An identity is a hint: what is linked is
/// hashed like any other content before it counts. Thread-safe; one a store.
/// </summary>
internal sealed partial class FileLinker : IAsyncDisposable
{
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(30);

    // Files whose identity is not final yet: others that wait may link to them, and nothing of it outlives the process.
    private readonly ConcurrentDictionary<LinkKey, LinkEntry> _passing = new();
    private readonly HardlinkClaims _claims = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Live<StorageOptions> _options;
    private readonly RootDirectory _root;
    private readonly HardlinkRegistry _registry;
    private readonly StorageMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Task[] _loops;

    /// <summary>Starts.</summary>
    public FileLinker(Live<StorageOptions> options, RootDirectory root, HardlinkRegistry registry, StorageMetrics metrics, TimeProvider time, ILogger logger)
    {
        _options = options;
        _root = root;
        _registry = registry;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        var look = TimeSpan.FromTicks(Math.Min(LongestLook.Ticks, options.Current.LinkWaitIdle.Ticks / 10));
        _loops = [RepeatAsync(new PeriodicTimer(look, time), EndStalls), RepeatAsync(new PeriodicTimer(options.Current.RegistrySweep, time), Sweep)];
    }

    /// <summary>Raised outside all locks for a torrent whose file waits no more, or may be linked now.</summary>
    public event Action<InfoHash>? Wake;

    /// <summary>Entries of the registry.</summary>
    public int Count => _registry.List().Count;

    private bool IsOn => _options.Current is { Hardlinks: true } or { Reflinks: true };

    /// <summary>
    /// Asks how a file is to come. The first of an identity becomes its writer, later ones wait. Repeating it answers anew: a waiter whose writer published
    /// may link, one whose writer gave up is the writer now. An identity whose size is not the file's is none.
    /// </summary>
    public LinkStep Begin(InfoHash torrent, int file, FileIdentity? identity, Guid source)
    {
        if (!IsOn || LinkKey.Of(source, identity) is not { } key)
        {
            return LinkStep.None;
        }

        var step = _claims.Take(new FileRef(torrent, file), key, () => Find(key) is not null, _time.GetTimestamp(), out var woken);
        WakeAll(woken);
        return step;
    }

    /// <summary>
    /// Gives a verified file of that identity one more name, durably: a hard link, never to be written to; or a clone, which is an ordinary partial file.
    /// Null: it cannot be had so, and is to be received. Content is not looked at.
    /// </summary>
    public FileRecord? TryLink(InfoHash torrent, int file, FileHandle folder, string hiddenName)
    {
        var reference = new FileRef(torrent, file);
        if (_claims.GetKey(reference) is { } key && Find(key) is { } entry && TryLink(key, entry, folder, hiddenName) is { } record)
        {
            _claims.Linked(reference);
            return record;
        }

        _claims.Demote(reference, _time.GetTimestamp());
        return null;
    }

    /// <summary>What was linked is not the file after all: nobody else gets it, and it is received.</summary>
    public void Evict(InfoHash torrent, int file, FileRecord record)
    {
        EvictFile(record.Inode);
        _claims.Demote(new FileRef(torrent, file), _time.GetTimestamp());
    }

    /// <summary>A file of ours is not what it was: nobody gets it as a link.</summary>
    public void EvictFile(ulong inode)
    {
        _registry.EvictFile(inode);
        foreach (var (key, entry) in _passing)
        {
            if (entry.Record.Inode == inode)
            {
                _passing.TryRemove(new KeyValuePair<LinkKey, LinkEntry>(key, entry));
            }
        }
    }

    /// <summary>A file has its final name, durably, or its final identity: from here on others link to it.</summary>
    /// <param name="torrent">The torrent.</param>
    /// <param name="file">Index of the file.</param>
    /// <param name="identity">What the source's file system says of it.</param>
    /// <param name="source">The source.</param>
    /// <param name="path">Parts of its final name below the root.</param>
    /// <param name="record">What it is here.</param>
    public void Published(InfoHash torrent, int file, FileIdentity? identity, Guid source, IReadOnlyList<string> path, FileRecord record)
    {
        var reference = new FileRef(torrent, file);
        var claimed = _claims.GetKey(reference);
        var woken = new HashSet<InfoHash>();
        foreach (var known in (ReadOnlySpan<LinkKey?>)[LinkKey.Of(source, identity), claimed])
        {
            if (known is { } key && key.Size == record.Length)
            {
                var entry = new LinkEntry(path, record);
                if (key.IsFinal)
                {
                    _registry.Add(key, entry);
                }
                else
                {
                    _passing[key] = entry;
                }

                woken.UnionWith(_claims.GetWaiters(key));
            }
        }

        woken.UnionWith(_claims.Release(reference));
        WakeAll(woken);
    }

    /// <summary>A file needs its writer no more: it is had otherwise.</summary>
    public void Demote(InfoHash torrent, int file) => _claims.Demote(new FileRef(torrent, file), _time.GetTimestamp());

    /// <summary>A torrent received something, so those who wait for its files go on waiting.</summary>
    public void Progressed(InfoHash torrent) => _claims.Progressed(torrent, _time.GetTimestamp());

    /// <summary>A file is not received here any more, or waits no more.</summary>
    public void Release(InfoHash torrent, int file) => WakeAll(_claims.Release(new FileRef(torrent, file)));

    /// <summary>A torrent has no claims any more.</summary>
    public void Release(InfoHash torrent) => WakeAll(_claims.Release(torrent));

    /// <summary>Waits until the registry's changes so far are durable, or could not be made so.</summary>
    public ValueTask FlushAsync() => _registry.FlushAsync();

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_loops).ConfigureAwait(false);
        await _registry.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    private LinkEntry? Find(LinkKey key) => _registry.Find(key) ?? _passing.GetValueOrDefault(key);

    private void Evict(LinkKey key, LinkEntry entry)
    {
        _registry.Evict(key, entry);
        _passing.TryRemove(new KeyValuePair<LinkKey, LinkEntry>(key, entry));
    }

    private void WakeAll(IReadOnlyCollection<InfoHash> torrents)
    {
        foreach (var torrent in torrents)
        {
            Wake?.Invoke(torrent);
        }
    }

    private void EndStalls()
    {
        var idle = (long)(_options.Current.LinkWaitIdle.TotalSeconds * _time.TimestampFrequency);
        WakeAll(_claims.EndStalls(_time.GetTimestamp() - idle));
    }

    private async Task RepeatAsync(PeriodicTimer timer, Action work)
    {
        using (timer)
        {
            try
            {
                while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
                {
                    await Task.Run(work, _stop.Token).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException)
            {
                // Disposed.
            }
        }
    }
}
