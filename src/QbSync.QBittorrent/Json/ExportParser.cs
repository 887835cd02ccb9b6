using System.Text.Json;

namespace QbSync.QBittorrent.Json;

/// <summary>A <c>.torrent</c>, as it is. A page of another program is refused by its first byte.</summary>
internal sealed class ExportParser : StreamParser<byte[]>
{
    private readonly Gathered<byte> _bytes = new();

    public override int Take(ReadOnlySpan<byte> bytes, bool areLast)
    {
        if (_bytes.Items.IsEmpty && !bytes.IsEmpty && bytes[0] != (byte)'d')
        {
            throw new JsonException("The export is no .torrent.");
        }

        _bytes.AddRange(bytes);
        return bytes.Length;
    }

    public override byte[] Finish() => _bytes.Items.IsEmpty ? throw new JsonException("The export is empty.") : _bytes.Items.ToArray();

    public override void Dispose() => _bytes.Clear();
}
