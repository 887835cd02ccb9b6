using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination.Initialization;

/// <summary>
/// Bytes that each peer's torrents take here, finished ones too: reserved whole when a torrent is opened, given back when its session ends. Thread-safe.
/// </summary>
/// <param name="freed">Called outside the lock when a peer that was refused has bytes again.</param>
internal sealed class PeerQuotas(Action freed)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<InfoHash, (string Peer, long Bytes)> _reserved = [];
    private readonly Dictionary<string, long> _used = [];
    private readonly HashSet<string> _refused = [];

    /// <summary>What a torrent of these files takes.</summary>
    public static long Count(StoreRequest request)
    {
        var bytes = 0L;
        foreach (var file in request.Manifest.Files)
        {
            bytes += file.IsReal && request.Selection.IsSelected(file.Index) ? file.Length : 0;
        }

        return bytes;
    }

    /// <summary>Bytes that a peer has reserved.</summary>
    public long GetUsed(string peer)
    {
        lock (_gate)
        {
            return _used.GetValueOrDefault(peer);
        }
    }

    /// <summary>Counts a torrent that is stored already, whatever its peer's quota says now.</summary>
    public void Restore(StoreRequest stored) => Reserve(stored, null);

    /// <summary>Reserves for a torrent, in place of what it has. A torrent that takes no more than before is never refused.</summary>
    public Refusal? Reserve(StoreRequest request, long? quota)
    {
        var (id, peer, bytes) = (request.Manifest.Id, request.Peer, Count(request));
        bool isAwaited;
        lock (_gate)
        {
            var before = _reserved.TryGetValue(id, out var own) && own.Peer == peer ? own.Bytes : 0;
            var others = _used.GetValueOrDefault(peer) - before;
            if (quota is { } most && bytes > before && others > most - bytes)
            {
                _refused.Add(peer);
                return new Refusal(
                    RefusalReason.Quota, $"{bytes} bytes are needed, and {others} of the quota of {most} are taken.", null, bytes, Math.Max(0, most - others));
            }

            isAwaited = bytes < before && _refused.Remove(peer);
            Remove_NeedsLock(id);
            _reserved[id] = (peer, bytes);
            _used[peer] = _used.GetValueOrDefault(peer) + bytes;
        }

        if (isAwaited)
        {
            freed();
        }

        return null;
    }

    /// <summary>The torrent is gone.</summary>
    public void Release(InfoHash id)
    {
        bool isAwaited;
        lock (_gate)
        {
            isAwaited = Remove_NeedsLock(id) is { } peer && _refused.Remove(peer);
        }

        if (isAwaited)
        {
            freed();
        }
    }

    /// <summary>Takes a torrent's bytes off its peer's; the peer, if it had any.</summary>
    private string? Remove_NeedsLock(InfoHash id)
    {
        if (!_reserved.Remove(id, out var own))
        {
            return null;
        }

        if (_used[own.Peer] - own.Bytes is > 0 and var left)
        {
            _used[own.Peer] = left;
        }
        else
        {
            _used.Remove(own.Peer);
        }

        return own.Peer;
    }
}
