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

    public static List<TrackerRecord> ReadTrackers(ReadOnlyMemory<byte> body) => StreamedAnswer.Read(body.Span, Trackers());

    public static List<LogRecord> ReadLog(ReadOnlyMemory<byte> body) => StreamedAnswer.Read(body.Span, Log());

    public static List<ReadOnlyMemory<byte>> ReadPieceHashes(ReadOnlyMemory<byte> body) => StreamedAnswer.Read(body.Span, PieceHashes());

    public static StreamParser<List<TrackerRecord>> Trackers() => new ListParser<TrackerRecord>(Whole(QBittorrentJsonContext.Default.TrackerRecord));

    public static StreamParser<List<LogRecord>> Log() => new ListParser<LogRecord>(Whole(QBittorrentJsonContext.Default.LogRecord));

    /// <summary>SHA-1 hashes of pieces, 40 digits each.</summary>
    public static StreamParser<List<ReadOnlyMemory<byte>>> PieceHashes() => new ListParser<ReadOnlyMemory<byte>>(TryReadHash, JsonTokenType.String);

    public static string ReadText(ReadOnlyMemory<byte> body) => Encoding.UTF8.GetString(body.Span).Trim();

    // Lists that nobody reads often: an element that is all there goes to its generated reader.
    private static ElementReader<T> Whole<T>(JsonTypeInfo<T> type)
        where T : class => (ref Utf8JsonReader reader, out T element) =>
    {
        var start = reader;
        if (!reader.TrySkip())
        {
            element = null!;
            return false;
        }

        element = JsonSerializer.Deserialize(ref start, type)!;
        return true;
    };

    private static bool TryReadHash(ref Utf8JsonReader reader, out ReadOnlyMemory<byte> hash)
    {
        var text = Lenient.ReadString(ref reader);
        hash = text is { Length: 40 } && text.All(char.IsAsciiHexDigit)
            ? Convert.FromHexString(text)
            : throw new JsonException("A piece has no hash of 40 hexadecimal digits.");
        return true;
    }
}
