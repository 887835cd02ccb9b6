using System.Diagnostics;
using System.Net;
using QbSync.Ports;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Http;

internal sealed class WholeRunTests
{
    private static readonly string[] NeverSent =
    [
        "filter=", "tag=", "category=", "hashes=all", "pieceHashes", "\r\nOrigin:", "\r\nReferer:", "\r\nExpect:", "\r\nTraceparent:", "\r\nTracestate:",
        "\r\nRequest-Id:", "\r\nCorrelation-Context:", "\r\nBaggage:", "\r\nTransfer-Encoding:", "\r\nSec-Fetch",
    ];

    [Test, ClientCase(15)]
    public async Task EveryVerb_OverRealSockets_KeepsTheBasePathAndSendsNothingThatIsRefusedOrMisread()
    {
        using var activity = new Activity("run").SetIdFormat(ActivityIdFormat.W3C).AddBaggage("who", "me").Start();
        await using var client = new LoopbackClient(static options => (options.Username, options.Password) = ("user", "p"));
        EveryMethod.Answer(client.Server);
        client.Server.Answer("app/webapiVersion", HttpStatusCode.Forbidden).Answer("auth/login", HttpStatusCode.OK, "Ok.", ("Set-Cookie", "SID=1; path=/"));
        foreach (var verb in EveryMethod.Of<ITorrentClient>())
        {
            await EveryMethod.CallAsync(client.Client, verb, default).DefaultTimeout();
        }

        await client.Client.DisposeAsync();
        var heads = client.Sockets.Heads;
        Assert.That(heads, Has.Count.GreaterThan(25));
        Assert.That(heads.Select(static head => head.Split(' ')[1]), Is.All.StartsWith("/base/api/v2/"));
        Assert.That(heads, Is.All.Contains("\r\nUser-Agent: qbsync/"));
        foreach (var head in heads)
        {
            Assert.That(NeverSent.Where(text => head.Contains(text, StringComparison.OrdinalIgnoreCase)), Is.Empty, head);
            Assert.That(head, head.StartsWith("POST", StringComparison.Ordinal) ? Does.Contain("\r\nContent-Length: ") : Does.Not.Contain("\r\nContent-Length: "));
        }
    }
}
