using System.IO.Compression;
using System.Text;
using QbSync.Ports;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Http;

/// <summary>Answers that no client would send are refused, and cost next to nothing: not what they hold, not what they claim to hold.</summary>
[NonParallelizable, ClientCase(53)]
internal sealed class HostileAnswerTests
{
    private const long MiB = 1024 * 1024;
    private static readonly ClientTorrentId Id = ScriptedClient.Id;

    private static readonly Dictionary<string, Func<QBittorrentClient, Task>> Calls = new()
    {
        ["maindata"] = static api => api.GetMainDataAsync(0, default),
        ["torrents"] = static api => api.GetTorrentsAsync(null, default),
        ["files"] = static api => api.GetFilesInformationAsync(Id, default),
        ["states"] = static api => api.GetTorrentPieceStatesAsync(Id, 1000, default),
        ["trackers"] = static api => api.GetTrackersAsync(Id, default),
        ["properties"] = static api => api.GetTorrentPropertiesAsync(Id, default),
        ["export"] = static api => api.ExportTorrentAsync(Id, default),
    };

    [TestCase("maindata", "{\"torrents\":{\"")]
    [TestCase("maindata", "{\"rid\":1,\"trackers\":[")]
    [TestCase("torrents", "[")]
    [TestCase("files", "[{\"name\":\"")]
    [TestCase("states", "[")]
    [TestCase("properties", "{\"save_path\":\"")]
    [TestCase("export", "")]
    public async Task GzipBomb_IsRefused(string call, string begin) => await RefuseAsync(call, Send("Content-Encoding: gzip", Bomb(begin, ' ')));

    [TestCase("maindata", "{\"torrents\":{\"", "aaaaaaaa")]
    [TestCase("maindata", "{\"trackers\":[", "[[],1],")]
    [TestCase("maindata", "{\"rid\":1}", "        ")]
    [TestCase("torrents", "[{\"hash\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"magnet_uri\":\"", "magnet:?")]
    [TestCase("torrents", "[{\"hash\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"x\":[", "[1,{}],")]
    [TestCase("files", "[{\"name\":\"a\"}", "        ")]
    [TestCase("states", "[0,", "1,2,")]
    [TestCase("states", "[", "    ")]
    [TestCase("trackers", "[", "        ")]
    [TestCase("export", "<html>", "<p>Hello")]
    public async Task EndlessBody_IsRefused(string call, string begin, string more) => await RefuseAsync(call, async (stream, cancellationToken) =>
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n{begin.Length:x}\r\n{begin}\r\n"), cancellationToken);
        var repeated = string.Concat(Enumerable.Repeat(more, 64 * 1024 / more.Length));
        var chunk = Encoding.ASCII.GetBytes($"{repeated.Length:x}\r\n{repeated}\r\n");
        while (true)
        {
            await stream.WriteAsync(chunk, cancellationToken);
        }
    });

    [TestCase("maindata")]
    [TestCase("torrents")]
    [TestCase("files")]
    [TestCase("states")]
    [TestCase("export")]
    public async Task AnnouncedAsSixtyFiveMebibytes_IsNotEvenRead(string call) => await RefuseAsync(
        call, Send($"Content-Length: {65 * MiB}", "[{\"hash\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"},"u8.ToArray()));

    [TestCase("maindata", "{\"x\":")]
    [TestCase("torrents", "[{\"hash\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"x\":")]
    [TestCase("files", "[{\"name\":")]
    [TestCase("states", "")]
    [TestCase("trackers", "[{\"url\":")]
    [TestCase("properties", "{\"save_path\":")]
    public async Task AThousandDeep_IsRefused(string call, string begin)
    {
        var body = Encoding.ASCII.GetBytes(begin + new string('[', 1000) + new string(']', 1000) + (begin.Length == 0 ? "" : begin[0] == '{' ? "}" : "}]"));
        await RefuseAsync(call, Send($"Content-Length: {body.Length}", body));
    }

    [TestCase("maindata")]
    [TestCase("torrents")]
    [TestCase("files")]
    [TestCase("states")]
    [TestCase("trackers")]
    [TestCase("properties")]
    [TestCase("export")]
    public async Task HeaderOnly_IsRefused(string call)
    {
        await RefuseAsync(call, Send("Content-Length: 1000", []));
        await RefuseAsync(call, Send("Content-Length: 0", []));
        await RefuseAsync(call, Send("Content-Encoding: gzip\r\nContent-Length: 10", [31, 139, 8, 0, 0, 0, 0, 0, 0, 3]));
    }

    private static async Task RefuseAsync(string call, Func<Stream, CancellationToken, Task> send)
    {
        await using var server = new HostileServer(send);
        await using var api = new QBittorrentClient(new QBittorrentOptions { Url = server.Url, Attempts = 1 });
        await api.LoginAsync(default).DefaultTimeout();

        // All that was ever allocated, the server's part included: nothing is counted on to have been collected in time.
        var before = GC.GetTotalAllocatedBytes(precise: true);
        var fault = Assert.ThrowsAsync<TorrentClientException>(async () => await Calls[call](api).DefaultTimeout())!;
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        Assert.That(fault.Fault, Is.EqualTo(ClientFault.BrokenAnswer));
        Assert.That(allocated, Is.LessThanOrEqualTo(8 * MiB));
    }

    private static Func<Stream, CancellationToken, Task> Send(string headers, byte[] body) => async (stream, cancellationToken) =>
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 \r\nConnection: close\r\n{headers}\r\n\r\n"), cancellationToken);
        await stream.WriteAsync(body, cancellationToken);
    };

    // A quarter of a gigabyte in a quarter of a megabyte.
    private static byte[] Bomb(string begin, char filler)
    {
        using var bomb = new MemoryStream();
        using (var gzip = new GZipStream(bomb, CompressionLevel.Fastest))
        {
            gzip.Write(Encoding.ASCII.GetBytes(begin));
            var blank = Encoding.ASCII.GetBytes(new string(filler, 1 << 20));
            for (var i = 0; i < 256; i++)
            {
                gzip.Write(blank);
            }
        }

        return bomb.ToArray();
    }
}
