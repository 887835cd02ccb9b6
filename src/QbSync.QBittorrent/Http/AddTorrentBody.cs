using System.Net;
using System.Text.Json;
using QbSync.Ports;
using QbSync.QBittorrent.Json;
using QbSync.QBittorrent.Models;
using QbSync.Torrents;

namespace QbSync.QBittorrent.Http;

/// <summary>The form of <c>torrents/add</c>, the same for every version: each ignores the names that it does not know.</summary>
internal static class AddTorrentBody
{
    private const int LargestTorrent = 63 * 1024 * 1024;

    public static ReadOnlyMemory<byte> Encode(AddTorrentForm form)
    {
        TorrentIds.CheckTags(form.Tags, none: true);
        if (form.SavePath.Length == 0 || form.SavePath != form.SavePath.Trim())
        {
            throw Unsupported($"the save path '{form.SavePath}' begins or ends with white space, which the client would cut off");
        }

        if (form.Torrent.Length > LargestTorrent)
        {
            throw Unsupported($"a .torrent of {form.Torrent.Length} bytes is larger than the client takes");
        }

        var skip = form.SkipCheck ? "true" : "false";
        (string, string)[] fields =
        [
            ("savepath", form.SavePath),
            ("category", form.Category),
            ("tags", string.Join(',', form.Tags)),
            ("autoTMM", "false"),
            ("useDownloadPath", "false"),
            ("contentLayout", form.Layout.ToString()),
            ("root_folder", form.Layout == ContentLayout.NoSubfolder ? "false" : "true"),
            ("stopped", "true"),
            ("paused", "true"),
            ("skip_checking", skip),
            ("seedMode", skip),
            ("stopCondition", "FilesChecked"),
            ("sequentialDownload", "false"),
            ("firstLastPiecePrio", "false"),
        ];
        return FormContent.EncodeMultipart(fields, "torrents", form.FileName, form.Torrent);
    }

    public static AddTorrentOutcome ReadAnswer(HttpStatusCode status, ReadOnlyMemory<byte> body)
    {
        if (status == HttpStatusCode.UnsupportedMediaType)
        {
            return AddTorrentOutcome.Refused;
        }

        if (status == HttpStatusCode.Accepted)
        {
            return AddTorrentOutcome.Taken;
        }

        if (status == HttpStatusCode.Conflict || body.Span.SequenceEqual("Fails."u8))
        {
            return AddTorrentOutcome.Unclear;
        }

        return body.Span.SequenceEqual("Ok."u8) || HasSuccess(body) ? AddTorrentOutcome.Taken : AddTorrentOutcome.Unclear;
    }

    private static bool HasSuccess(ReadOnlyMemory<byte> body)
    {
        try
        {
            var answer = AnswerReader.Read(body, QBittorrentJsonContext.Default.AddAnswerRecord);
            return answer.SuccessCount > 0 || answer.PendingCount > 0;
        }
        catch (JsonException)
        {
            // A look follows every add, so an answer that says nothing needs no fault of its own.
            return false;
        }
    }

    private static TorrentClientException Unsupported(string why) =>
        new(ClientFault.Unsupported, nameof(Pipeline.ApiOperation.AddTorrentFromMemory), $"The torrent cannot be added: {why}.");
}
