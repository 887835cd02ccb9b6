using System.Collections;
using System.Runtime.InteropServices;
using QbSync.Torrents;

namespace QbSync.QBittorrent.Adapters;

/// <summary>
/// Statuses by id, handed out as immutable lists that share what did not change: of thousands of torrents, a few of which are active, a poll costs
/// little more than those few. Not thread-safe; the lists are.
/// </summary>
internal sealed class StatusTable
{
    // Small enough that a change copies little, large enough that the list of chunks stays short.
    private const int ChunkShift = 6, ChunkLength = 1 << ChunkShift, ChunkMask = ChunkLength - 1;

    private readonly Dictionary<string, int> _slots = [];
    private readonly List<TorrentStatus[]> _chunks = [];
    private readonly List<bool> _areHandedOut = [];
    private IReadOnlyList<TorrentStatus>? _list = [];

    public TorrentStatus? this[string id] => _slots.TryGetValue(id, out var slot) ? At(slot) : null;

    /// <summary>The statuses as they are now; the same object as before when nothing changed.</summary>
    public IReadOnlyList<TorrentStatus> List
    {
        get
        {
            if (_list is null)
            {
                CollectionsMarshal.AsSpan(_areHandedOut).Fill(true);
                _list = new Chunks([.. _chunks], _slots.Count);
            }

            return _list;
        }
    }

    public IReadOnlyCollection<string> Ids => _slots.Keys;

    public void Set(string id, TorrentStatus status)
    {
        ref var slot = ref CollectionsMarshal.GetValueRefOrAddDefault(_slots, id, out var exists);
        if (!exists)
        {
            slot = _slots.Count - 1;
        }
        else if (ReferenceEquals(At(slot), status))
        {
            return;
        }

        Put(slot, status);
    }

    public void Remove(string id)
    {
        if (!_slots.Remove(id, out var slot))
        {
            return;
        }

        // The last one takes its place.
        var last = _slots.Count;
        var moved = At(last);
        if (slot != last)
        {
            Put(slot, moved);
            _slots[moved.Id.Value] = slot;
        }

        Put(last, null!);
    }

    private TorrentStatus At(int slot) => _chunks[slot >> ChunkShift][slot & ChunkMask];

    private void Put(int slot, TorrentStatus status)
    {
        _list = null;
        var chunk = slot >> ChunkShift;
        if (chunk == _chunks.Count)
        {
            _chunks.Add(new TorrentStatus[ChunkLength]);
            _areHandedOut.Add(false);
        }
        else if (_areHandedOut[chunk])
        {
            _chunks[chunk] = [.. _chunks[chunk]];
            _areHandedOut[chunk] = false;
        }

        _chunks[chunk][slot & ChunkMask] = status;
    }

    private sealed class Chunks(TorrentStatus[][] chunks, int count) : IReadOnlyList<TorrentStatus>
    {
        public int Count => count;

        public TorrentStatus this[int index] => (uint)index < (uint)count
            ? chunks[index >> ChunkShift][index & ChunkMask]
            : throw new ArgumentOutOfRangeException(nameof(index));

        public IEnumerator<TorrentStatus> GetEnumerator()
        {
            for (var i = 0; i < count; i++)
            {
                yield return chunks[i >> ChunkShift][i & ChunkMask];
            }
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
