namespace QbSync.Transport.Client.Sending;

/// <summary>Cuts a piece's ranges into chunks. A chunk never reaches over a pad, so it lies in one range.</summary>
internal struct ChunkCutter(IReadOnlyList<(int Offset, int Length)> ranges)
{
    private int _range;
    private int _taken;

    /// <summary>Where the next chunk begins and how long it may be; false at the end.</summary>
    public readonly bool TryPeek(out int offset, out int most)
    {
        if (_range >= ranges.Count)
        {
            (offset, most) = (0, 0);
            return false;
        }

        var (start, length) = ranges[_range];
        (offset, most) = (start + _taken, length - _taken);
        return true;
    }

    /// <summary>Takes <paramref name="length"/> bytes of what was peeked.</summary>
    public void Take(int length)
    {
        _taken += length;
        if (_taken == ranges[_range].Length)
        {
            _range++;
            _taken = 0;
        }
    }
}
