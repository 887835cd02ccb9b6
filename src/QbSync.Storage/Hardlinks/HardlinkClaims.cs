using System.Runtime.InteropServices;
using QbSync.Torrents;

namespace QbSync.Storage.Hardlinks;

/// <summary>
/// Files on their way, by key: the first of a key is its writer, the others wait for it. A writer never waits, so waiting has depth 1 and no cycle. In memory
/// only: after a restart they are claimed anew. Thread-safe; every change that ends a waiting returns the torrents to be told.
/// </summary>
internal sealed class HardlinkClaims
{
    private readonly Lock _gate = new();
    private readonly Dictionary<InfoHash, Dictionary<int, HardlinkClaim>> _claims = [];
    private readonly Dictionary<LinkKey, List<HardlinkClaim>> _byKey = [];

    /// <summary>Claims a file, or says what became of its claim.</summary>
    /// <param name="file">The file.</param>
    /// <param name="key">Its key; a claim under another key is given up first.</param>
    /// <param name="isKnown">
    /// Whether a file of this key can be linked to. Asked under the lock: a writer offers its file before it gives its claim up, so that nobody sees neither.
    /// </param>
    /// <param name="now">The clock.</param>
    /// <param name="woken">Who waited under the other key.</param>
    public LinkStep Take(FileRef file, LinkKey key, Func<bool> isKnown, long now, out IReadOnlyCollection<InfoHash> woken)
    {
        lock (_gate)
        {
            woken = [];
            var claim = Find_NeedsLock(file);
            if (claim is not null && claim.Key != key)
            {
                woken = Remove_NeedsLock(claim);
                claim = null;
            }

            if (claim is null)
            {
                claim = new HardlinkClaim(file, key) { Role = ClaimRole.Waiter, LastProgress = now };
                Add_NeedsLock(claim);
            }

            if (claim.Role != ClaimRole.Waiter)
            {
                return LinkStep.None;
            }

            if (isKnown())
            {
                return LinkStep.Linkable;
            }

            if (HasWriter_NeedsLock(key))
            {
                return LinkStep.Waits;
            }

            claim.Role = ClaimRole.Writer;
            claim.LastProgress = now;
            return LinkStep.None;
        }
    }

    /// <summary>The key that a file is claimed under.</summary>
    public LinkKey? GetKey(FileRef file)
    {
        lock (_gate)
        {
            return Find_NeedsLock(file)?.Key;
        }
    }

    /// <summary>
    /// A torrent got on, whichever of its files it was: one that is late in a large torrent still comes, and sending it twice would be a waste.
    /// </summary>
    public void Progressed(InfoHash torrent, long now)
    {
        lock (_gate)
        {
            if (_claims.TryGetValue(torrent, out var claims))
            {
                foreach (var claim in claims.Values)
                {
                    claim.LastProgress = now;
                }
            }
        }
    }

    /// <summary>A file has its link, and is hashed next.</summary>
    public void Linked(FileRef file)
    {
        lock (_gate)
        {
            if (Find_NeedsLock(file) is { } claim)
            {
                claim.Role = ClaimRole.Linked;
            }
        }
    }

    /// <summary>A file is received after all; as the writer, where there is none.</summary>
    public void Demote(FileRef file, long now)
    {
        lock (_gate)
        {
            if (Find_NeedsLock(file) is { } claim)
            {
                claim.Role = ClaimRole.Streaming;
                claim.Role = HasWriter_NeedsLock(claim.Key) ? ClaimRole.Streaming : ClaimRole.Writer;
                claim.LastProgress = now;
            }
        }
    }

    /// <summary>A file is there, or given up.</summary>
    public IReadOnlyCollection<InfoHash> Release(FileRef file)
    {
        lock (_gate)
        {
            return Find_NeedsLock(file) is { } claim ? Remove_NeedsLock(claim) : [];
        }
    }

    /// <summary>A torrent gives everything up.</summary>
    public IReadOnlyCollection<InfoHash> Release(InfoHash torrent)
    {
        lock (_gate)
        {
            var woken = new HashSet<InfoHash>();
            if (_claims.TryGetValue(torrent, out var claims))
            {
                foreach (var claim in claims.Values.ToArray())
                {
                    woken.UnionWith(Remove_NeedsLock(claim));
                }
            }

            woken.Remove(torrent);
            return woken;
        }
    }

    /// <summary>Who waits for a key.</summary>
    public IReadOnlyCollection<InfoHash> GetWaiters(LinkKey key)
    {
        lock (_gate)
        {
            return GetWaiters_NeedsLock(key);
        }
    }

    /// <summary>Takes the role from writers that stood still since <paramref name="deadline"/> while others wait for them.</summary>
    public IReadOnlyCollection<InfoHash> EndStalls(long deadline)
    {
        lock (_gate)
        {
            var woken = new HashSet<InfoHash>();
            foreach (var (key, claims) in _byKey)
            {
                var writer = claims.Find(static claim => claim.Role == ClaimRole.Writer);
                if (writer is not null && writer.LastProgress <= deadline && claims.Exists(static claim => claim.Role == ClaimRole.Waiter))
                {
                    writer.Role = ClaimRole.Streaming;
                    woken.UnionWith(GetWaiters_NeedsLock(key));
                }
            }

            return woken;
        }
    }

    private HardlinkClaim? Find_NeedsLock(FileRef file) => _claims.TryGetValue(file.Torrent, out var claims) ? claims.GetValueOrDefault(file.Index) : null;

    private bool HasWriter_NeedsLock(LinkKey key) =>
        _byKey.TryGetValue(key, out var claims) && claims.Exists(static claim => claim.Role == ClaimRole.Writer);

    private void Add_NeedsLock(HardlinkClaim claim)
    {
        (CollectionsMarshal.GetValueRefOrAddDefault(_claims, claim.File.Torrent, out _) ??= []).Add(claim.File.Index, claim);
        (CollectionsMarshal.GetValueRefOrAddDefault(_byKey, claim.Key, out _) ??= []).Add(claim);
    }

    private IReadOnlyCollection<InfoHash> Remove_NeedsLock(HardlinkClaim claim)
    {
        var ofTorrent = _claims[claim.File.Torrent];
        ofTorrent.Remove(claim.File.Index);
        if (ofTorrent.Count == 0)
        {
            _claims.Remove(claim.File.Torrent);
        }

        var ofKey = _byKey[claim.Key];
        ofKey.Remove(claim);
        if (ofKey.Count == 0)
        {
            _byKey.Remove(claim.Key);
        }

        return claim.Role == ClaimRole.Writer ? GetWaiters_NeedsLock(claim.Key) : [];
    }

    private IReadOnlyCollection<InfoHash> GetWaiters_NeedsLock(LinkKey key) => _byKey.TryGetValue(key, out var claims)
        ? claims.Where(static claim => claim.Role == ClaimRole.Waiter).Select(static claim => claim.File.Torrent).ToHashSet()
        : [];
}
