using System.Buffers;
using System.Text.Json;

namespace QbSync.QBittorrent.Json;

/// <summary>
/// Reads one long answer as it comes, in pieces of whatever length. Used once, by one caller. What cannot be read is a <see cref="JsonException"/>.
/// </summary>
internal abstract class StreamParser<T> : IDisposable
{
    /// <summary>Takes what it can of the bytes. The rest is offered again with more behind it, unless these were the last.</summary>
    /// <returns>How many were taken.</returns>
    public abstract int Take(ReadOnlySpan<byte> bytes, bool areLast);

    /// <summary>The value, after the last bytes were taken.</summary>
    public abstract T Finish();

    public virtual void Dispose()
    {
    }
}

/// <summary>Reads JSON element by element: the place in the text is kept between pieces, an element that is cut is read again whole.</summary>
internal abstract class JsonStreamParser<T> : StreamParser<T>
{
    private JsonReaderState _state = new(new JsonReaderOptions { MaxDepth = 32 });
    private bool _isDone;

    public sealed override int Take(ReadOnlySpan<byte> bytes, bool areLast)
    {
        var reader = new Utf8JsonReader(bytes, areLast, _state);
        var taken = reader;
        while (!_isDone)
        {
            if (!Step(ref reader))
            {
                break;
            }

            taken = reader;
        }

        if (_isDone)
        {
            // Throws if there is anything behind the end.
            reader.Read();
            taken = reader;
        }

        if (areLast && !_isDone)
        {
            throw new JsonException("The answer ends before it is whole.");
        }

        _state = taken.CurrentState;
        return (int)taken.BytesConsumed;
    }

    /// <summary>Reads one element more, or one token of what is skipped; false when it is not all there, and nothing may have been kept of it.</summary>
    protected abstract bool Step(ref Utf8JsonReader reader);

    /// <summary>The root has ended.</summary>
    protected void End() => _isDone = true;
}

/// <summary>Rented memory that elements gather in until their number is known.</summary>
internal sealed class Gathered<T>
{
    private T[] _items = [];
    private int _count;

    public ReadOnlySpan<T> Items => _items.AsSpan(0, _count);

    public void Add(T item)
    {
        MakeRoom(1);
        _items[_count++] = item;
    }

    public void AddRange(ReadOnlySpan<T> items)
    {
        MakeRoom(items.Length);
        items.CopyTo(_items.AsSpan(_count));
        _count += items.Length;
    }

    public void Clear()
    {
        Release();
        _items = [];
        _count = 0;
    }

    private void MakeRoom(int more)
    {
        if (_count + more > _items.Length)
        {
            var larger = ArrayPool<T>.Shared.Rent(Math.Max(Math.Max(64, _count + more), _count * 2));
            Items.CopyTo(larger);
            Release();
            _items = larger;
        }
    }

    // Cleared: what a rented array holds would live as long as the pool.
    private void Release()
    {
        if (_items.Length > 0)
        {
            _items.AsSpan(0, _count).Clear();
            ArrayPool<T>.Shared.Return(_items);
        }
    }
}
