using System.Text.Json;

namespace QbSync.QBittorrent.Json;

/// <summary>Reads the element that the reader is at the start of; false when it is not all there.</summary>
internal delegate bool ElementReader<T>(ref Utf8JsonReader reader, out T element);

/// <summary>An array of elements of one kind. Anything else in it is refused.</summary>
internal sealed class ListParser<T>(ElementReader<T> read, JsonTokenType kind = JsonTokenType.StartObject) : JsonStreamParser<List<T>>
{
    private readonly Gathered<T> _elements = new();
    private bool _hasBegun;

    public override List<T> Finish()
    {
        var list = new List<T>(_elements.Items.Length);
        list.AddRange(_elements.Items);
        return list;
    }

    public override void Dispose() => _elements.Clear();

    protected override bool Step(ref Utf8JsonReader reader)
    {
        if (!reader.Read())
        {
            return false;
        }

        if (!_hasBegun)
        {
            _hasBegun = reader.TokenType == JsonTokenType.StartArray ? true : throw new JsonException("The answer is no list.");
            return true;
        }

        if (reader.TokenType == JsonTokenType.EndArray)
        {
            End();
            return true;
        }

        if (reader.TokenType != kind)
        {
            throw new JsonException("The list has an entry of another kind.");
        }

        if (!read(ref reader, out var element))
        {
            return false;
        }

        _elements.Add(element);
        return true;
    }
}
