using System.Text;
using QbSync.QBittorrent.Json;
using QbSync.QBittorrent.Tests.Transcripts;

namespace QbSync.QBittorrent.Tests.Json;

/// <summary>Each recorded answer that we read, with the reader that its endpoint has.</summary>
internal sealed record TranscriptAnswer(string Version, string Name, byte[] Body, Func<byte[], object?> Read)
{
    public static IEnumerable<TranscriptAnswer> All() => Transcript.Versions.SelectMany(Of);

    public static IEnumerable<TranscriptAnswer> Of(string version)
    {
        foreach (var exchange in Transcript.Load(version).Exchanges)
        {
            if ((int)exchange.Status == 200 && Reader(exchange) is { } read)
            {
                yield return new TranscriptAnswer(version, exchange.Name, Encoding.UTF8.GetBytes(Placeholders.Fill(exchange.Text)), read);
            }
        }
    }

    public override string ToString() => $"{Version} {Name}";

    // Long answers go through their parsers in pieces as they come, others whole.
    private static Func<byte[], object?>? Reader(Exchange exchange) => exchange.Request.Endpoint switch
    {
        "torrents/info" => static body => AnswerReader.ReadTorrents(body),
        "sync/maindata" => static body => AnswerReader.ReadMainData(body),
        "torrents/files" => static body => AnswerReader.ReadFiles(body),
        "torrents/pieceStates" => ReadStates(exchange.Text.Count(static letter => letter is '0' or '1' or '2')),
        "torrents/pieceHashes" => static body => AnswerReader.ReadPieceHashes(body),
        "torrents/trackers" => static body => AnswerReader.ReadTrackers(body),
        "torrents/properties" => static body => AnswerReader.Read(body, QBittorrentJsonContext.Default.TorrentPropertiesRecord),
        "torrents/categories" => static body => AnswerReader.Read(body, QBittorrentJsonContext.Default.DictionaryStringCategoryRecord),
        "log/main" => static body => AnswerReader.ReadLog(body),
        "app/buildInfo" => static body => AnswerReader.Read(body, QBittorrentJsonContext.Default.BuildInfoRecord),
        "app/preferences" => static body => AnswerReader.Read(body, QBittorrentJsonContext.Default.AppPreferencesRecord),
        "torrents/add" when exchange.BodyKind == "object" => static body => AnswerReader.Read(body, QBittorrentJsonContext.Default.AddAnswerRecord),
        _ => null,
    };

    private static Func<byte[], object?> ReadStates(int pieces) => body => AnswerReader.ReadPieceStates(body, pieces);
}
