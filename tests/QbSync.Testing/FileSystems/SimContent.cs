namespace QbSync.Testing.FileSystems;

/// <summary>Bytes of a file in pages of 4 KiB; absent pages are holes. Pages are never changed in place, so that a copy costs no bytes.</summary>
internal sealed class SimContent
{
    /// <summary>Bytes of a page.</summary>
    public const int PageSize = 4096;

    private readonly Dictionary<long, byte[]> _pages;

    public SimContent()
        : this([])
    {
    }

    private SimContent(Dictionary<long, byte[]> pages) => _pages = pages;

    /// <summary>Bytes of the file.</summary>
    public long Length { get; private set; }

    /// <summary>Pages that hold bytes.</summary>
    public int Pages => _pages.Count;

    /// <summary>A copy that shares the pages.</summary>
    public SimContent Clone() => new(new Dictionary<long, byte[]>(_pages)) { Length = Length };

    /// <summary>How many pages a write would add.</summary>
    public int CountNewPages(long offset, int length)
    {
        var count = 0;
        for (var page = offset / PageSize; length > 0 && page <= (offset + length - 1) / PageSize; page++)
        {
            count += _pages.ContainsKey(page) ? 0 : 1;
        }

        return count;
    }

    public int Read(Span<byte> destination, long offset)
    {
        var count = (int)Math.Max(0, Math.Min(destination.Length, Length - offset));
        for (var done = 0; done < count;)
        {
            var (page, start) = Math.DivRem(offset + done, PageSize);
            var part = destination[done..Math.Min(count, done + PageSize - (int)start)];
            if (_pages.TryGetValue(page, out var bytes))
            {
                bytes.AsSpan((int)start, part.Length).CopyTo(part);
            }
            else
            {
                part.Clear();
            }

            done += part.Length;
        }

        return count;
    }

    public void Write(ReadOnlySpan<byte> source, long offset)
    {
        for (var done = 0; done < source.Length;)
        {
            var (page, start) = Math.DivRem(offset + done, PageSize);
            var part = source[done..Math.Min(source.Length, done + PageSize - (int)start)];
            var bytes = _pages.TryGetValue(page, out var old) && part.Length < PageSize ? (byte[])old.Clone() : new byte[PageSize];
            part.CopyTo(bytes.AsSpan((int)start));
            _pages[page] = bytes;
            done += part.Length;
        }

        Length = Math.Max(Length, offset + source.Length);
    }

    public void SetLength(long length)
    {
        if (length < Length)
        {
            var (last, rest) = Math.DivRem(length, PageSize);
            foreach (var page in _pages.Keys.Where(page => page > last || (page == last && rest == 0)).ToList())
            {
                _pages.Remove(page);
            }

            if (rest > 0 && _pages.TryGetValue(last, out var old))
            {
                var bytes = new byte[PageSize];
                old.AsSpan(0, (int)rest).CopyTo(bytes);
                _pages[last] = bytes;
            }
        }

        Length = length;
    }

    /// <summary>All of it; for small files.</summary>
    public byte[] ToArray()
    {
        var bytes = new byte[Length];
        Read(bytes, 0);
        return bytes;
    }
}
