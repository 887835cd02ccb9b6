namespace QbSync.Transport.Congestion;

/// <summary>A chunk in flight; its report turns it into samples of rate and round trip.</summary>
/// <param name="End">Weight handed over on the stream up to its end.</param>
/// <param name="SentAt">When it was handed over.</param>
/// <param name="Stream">What the stream had delivered by then.</param>
/// <param name="Link">What the link had delivered by then.</param>
internal readonly record struct SentChunk(long End, TimeSpan SentAt, DeliveryMark Stream, DeliveryMark Link);

/// <summary>Chunks in flight, oldest first: a ring that grows to the most that was ever in flight and then allocates no more.</summary>
internal sealed class SentChunks
{
    private SentChunk[] _ring = new SentChunk[64];
    private int _head;

    public int Count { get; private set; }

    public void Push(in SentChunk chunk)
    {
        if (Count == _ring.Length)
        {
            var larger = new SentChunk[_ring.Length * 2];
            for (var i = 0; i < Count; i++)
            {
                larger[i] = _ring[(_head + i) & (_ring.Length - 1)];
            }

            _ring = larger;
            _head = 0;
        }

        _ring[(_head + Count++) & (_ring.Length - 1)] = chunk;
    }

    public void DropNewest() => Count--;

    /// <summary>Removes all that end at or before <paramref name="delivered"/> and gives the newest of them; false when there is none.</summary>
    public bool TryTake(long delivered, out SentChunk newest)
    {
        newest = default;
        var any = false;
        while (Count > 0 && _ring[_head].End <= delivered)
        {
            newest = _ring[_head];
            _head = (_head + 1) & (_ring.Length - 1);
            Count--;
            any = true;
        }

        return any;
    }
}
