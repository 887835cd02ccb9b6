using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using QbSync.Pieces;
using QbSync.QBittorrent.Models;

namespace QbSync.QBittorrent.Json;

/// <summary>Reads answers; pure. What cannot be read is a <see cref="JsonException"/>.</summary>
internal static class AnswerReader
{
    public static T Read<T>(ReadOnlyMemory<byte> body, JsonTypeInfo<T> type)
        where T : class =>
        JsonSerializer.Deserialize(body.Span, type) ?? throw new JsonException("The answer is null.");

    public static List<TorrentRecord> ReadTorrents(ReadOnlyMemory<byte> body) => StreamedAnswer.Read(body.Span, Torrents());

    public static List<FileRecord> ReadFiles(ReadOnlyMemory<byte> body) => StreamedAnswer.Read(body.Span, Files());

    public static MainDataRecord ReadMainData(ReadOnlyMemory<byte> body) => StreamedAnswer.Read(body.Span, MainData());

    public static PieceBitmap ReadPieceStates(ReadOnlyMemory<byte> body, int pieceCount) =>
        StreamedAnswer.Read(body.Span, PieceStates(pieceCount));

    public static StreamParser<List<TorrentRecord>> Torrents() => new ListParser<TorrentRecord>(TorrentReader.TryRead);

    public static StreamParser<List<FileRecord>> Files() => new ListParser<FileRecord>(FileReader.TryRead);

    public static StreamParser<MainDataRecord> MainData() => new MainDataParser();

    public static StreamParser<PieceBitmap> PieceStates(int pieceCount) => new PieceStatesParser(pieceCount);

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

    public static string ReadText(ReadOnlyMemory<byte> body) => Encoding.UTF8.GetString(body.Span).Trim();
}
