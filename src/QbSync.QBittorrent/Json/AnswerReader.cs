using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using QbSync.Pieces;
using QbSync.QBittorrent.Models;
using QbSync.Torrents;

namespace QbSync.QBittorrent.Json;

/// <summary>Reads answers; pure. What cannot be read is a <see cref="JsonException"/>.</summary>
internal static class AnswerReader
{
    public static T Read<T>(ReadOnlyMemory<byte> body, JsonTypeInfo<T> type)
        where T : class =>
        JsonSerializer.Deserialize(body.Span, type) ?? throw new JsonException("The answer is null.");

    public static List<TorrentRecord> ReadTorrents(ReadOnlyMemory<byte> body)
    {
        var torrents = Read(body, QBittorrentJsonContext.Default.ListTorrentRecord);
        foreach (var torrent in torrents)
        {
            CheckId(torrent?.Hash);
        }

        return torrents;
    }

    public static List<FileRecord> ReadFiles(ReadOnlyMemory<byte> body)
    {
        var files = Read(body, QBittorrentJsonContext.Default.ListFileRecord);
        return files.Contains(null!) ? throw new JsonException("The list has an entry that is null.") : files;
    }

    public static List<TrackerRecord> ReadTrackers(ReadOnlyMemory<byte> body)
    {
        var trackers = Read(body, QBittorrentJsonContext.Default.ListTrackerRecord);
        return trackers.Contains(null!) ? throw new JsonException("The list has an entry that is null.") : trackers;
    }

    public static List<LogRecord> ReadLog(ReadOnlyMemory<byte> body)
    {
        var lines = Read(body, QBittorrentJsonContext.Default.ListLogRecord);
        return lines.Contains(null!) ? throw new JsonException("The list has an entry that is null.") : lines;
    }

    /// <summary>SHA-1 hashes of pieces, 40 digits each.</summary>
    public static List<ReadOnlyMemory<byte>> ReadPieceHashes(ReadOnlyMemory<byte> body) =>
    [
        .. Read(body, QBittorrentJsonContext.Default.ListString).Select(static text => text is { Length: 40 } && text.All(char.IsAsciiHexDigit)
            ? new ReadOnlyMemory<byte>(Convert.FromHexString(text))
            : throw new JsonException("A piece has no hash of 40 hexadecimal digits.")),
    ];

    public static MainDataRecord ReadMainData(ReadOnlyMemory<byte> body)
    {
        var data = Read(body, QBittorrentJsonContext.Default.MainDataRecord);
        foreach (var id in data.Torrents?.Keys ?? Enumerable.Empty<string>())
        {
            CheckId(id);
        }

        return data;
    }

    /// <summary>An array of 0, 1 and 2, into the bitmap of the 2s. Any other length or element is refused as a whole.</summary>
    public static PieceBitmap ReadPieceStates(ReadOnlyMemory<byte> body, int pieceCount)
    {
        var reader = new Utf8JsonReader(body.Span, new JsonReaderOptions { MaxDepth = 2 });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray)
        {
            throw new JsonException("Piece states are not an array.");
        }

        var pieces = new PieceBitmap(pieceCount);
        var index = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.Number)
        {
            if (index == pieceCount || reader.ValueSpan is not [>= (byte)'0' and <= (byte)'2' and var state])
            {
                throw new JsonException($"Piece states hold more than {pieceCount} pieces, or a state besides 0, 1 and 2.");
            }

            if (state == (byte)'2')
            {
                pieces.Set(index);
            }

            index++;
        }

        if (reader.TokenType != JsonTokenType.EndArray || index != pieceCount || reader.Read())
        {
            throw new JsonException($"Piece states hold {index} pieces instead of {pieceCount}, or something else.");
        }

        return pieces;
    }

    public static string ReadText(ReadOnlyMemory<byte> body) => Encoding.UTF8.GetString(body.Span).Trim();

    private static void CheckId(string? id)
    {
        if (!InfoHash.TryParse(id, out _))
        {
            throw new JsonException("A torrent has no id of 40 or 64 hexadecimal digits.");
        }
    }
}
