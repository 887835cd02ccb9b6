using QbSync.QBittorrent.Http;
using QbSync.QBittorrent.Json;
using QbSync.QBittorrent.Models;

namespace QbSync.QBittorrent.Pipeline;

/// <summary>Calls that are the same each time, and the making of the others.</summary>
internal static class ApiCalls
{
    public static readonly ApiCall<string> GetWebApiVersion = new(
        ApiOperation.GetWebApiVersion, static _ => new ApiRequest("app/webapiVersion"), static (_, body) => AnswerReader.ReadText(body));

    public static readonly ApiCall<string> GetVersion = new(
        ApiOperation.GetVersion, static _ => new ApiRequest("app/version"), static (_, body) => AnswerReader.ReadText(body));

    public static readonly ApiCall<BuildInfoRecord> GetBuildInfo = new(
        ApiOperation.GetBuildInfo,
        static _ => new ApiRequest("app/buildInfo"),
        static (_, body) => AnswerReader.Read(body, QBittorrentJsonContext.Default.BuildInfoRecord));

    public static readonly ApiCall<AppPreferencesRecord> GetAppPreferences = new(
        ApiOperation.GetAppPreferences,
        static _ => new ApiRequest("app/preferences"),
        static (_, body) => AnswerReader.Read(body, QBittorrentJsonContext.Default.AppPreferencesRecord));

    public static readonly ApiCall<bool> Logout = new(
        ApiOperation.Logout, static _ => Post("auth/logout"), static (_, _) => true);

    /// <summary>A GET with its answer's reader.</summary>
    public static ApiCall<T> Get<T>(ApiOperation operation, string path, AnswerParser<T> parse) =>
        new(operation, _ => new ApiRequest(path), parse);

    /// <summary>A GET whose long answer is read as it comes.</summary>
    public static ApiCall<T> GetLong<T>(ApiOperation operation, string path, Func<StreamParser<T>> newParser) =>
        new(operation, _ => new ApiRequest(path), (_, body) => StreamedAnswer.Read(body.Span, newParser())) { LongAnswer = true, NewParser = newParser };

    /// <summary>A change without an answer worth reading: a read decides whether it was done.</summary>
    public static ApiCall<bool> Change(ApiOperation operation, string path, params ReadOnlySpan<(string Name, string Value)> fields)
    {
        var request = Post(path, fields);
        return new ApiCall<bool>(operation, _ => request, static (_, _) => true);
    }

    public static ApiRequest Post(string path, params ReadOnlySpan<(string Name, string Value)> fields) =>
        new(path, FormContent.Encode(fields), FormContent.FormType);
}
