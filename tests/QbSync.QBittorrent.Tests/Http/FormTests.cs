using System.Net;
using System.Text;
using QbSync.Ports;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Torrents;
using static QbSync.QBittorrent.Tests.Scripted.ScriptedClient;

namespace QbSync.QBittorrent.Tests.Http;

internal sealed class FormTests
{
    [ClientCase(12)]
    [TestCase("2.5.1", "torrents/pause", "torrents/resume")]
    [TestCase("2.8.19", "torrents/pause", "torrents/resume")]
    [TestCase("2.10.4", "torrents/pause", "torrents/resume")]
    [TestCase("2.11.0", "torrents/stop", "torrents/start")]
    [TestCase("2.11.4", "torrents/stop", "torrents/start")]
    [TestCase("2.16.2", "torrents/stop", "torrents/start")]
    public async Task StopAndStart_PerVersion_HaveItsNames(string version, string stop, string start)
    {
        await using var client = new ScriptedClient(version);
        client.Server.Answer(stop, "").Answer(start, "");
        await client.Api.StopAsync([Id, new(new string('b', 40))], default);
        await client.Api.ResumeAsync([Id], default);

        Assert.That(client.Server.Calls.Select(static call => call.Path), Is.EqualTo(new[] { stop, start }));
        Assert.That(client.Server.Calls[0].Text, Is.EqualTo($"hashes={Id}%7C{new string('b', 40)}"));
    }

    [Test, ClientCase(12)]
    public async Task EachChange_Form_IsAsMeasured()
    {
        await using var client = new ScriptedClient();
        foreach (var endpoint in new[] { "recheck", "addTags", "removeTags", "createCategory", "setCategory", "filePrio", "renameFile", "setLocation", "delete" })
        {
            client.Server.Answer("torrents/" + endpoint, "");
        }

        await client.Client.RecheckAsync(Id, default);
        await client.Client.AddTagsAsync([Id], ["a b", "ü&="], default);
        await client.Client.RemoveTagsAsync([Id], ["a b"], default);
        await client.Client.EnsureCategoryAsync("films/4k 🎬", default);
        await client.Client.SetCategoryAsync([Id], "", default);
        await client.Client.SelectAsync(Id, [0, 7], wanted: false, default);
        await client.Client.RenameFileAsync(Id, "a/b c.bin", "a/ß+d.bin", default);
        await client.Client.SetLocationAsync([Id], "/däta/x y", default);
        await client.Client.DeleteAsync([Id], withFiles: true, default);

        string[] expected =
        [
            $"torrents/recheck hashes={Id}",
            $"torrents/addTags hashes={Id}&tags=a%20b%2C%C3%BC%26%3D",
            $"torrents/removeTags hashes={Id}&tags=a%20b",
            "torrents/createCategory category=films%2F4k%20%F0%9F%8E%AC&savePath=",
            $"torrents/setCategory hashes={Id}&category=",
            $"torrents/filePrio hash={Id}&id=0%7C7&priority=0",
            $"torrents/renameFile hash={Id}&oldPath=a%2Fb%20c.bin&newPath=a%2F%C3%9F%2Bd.bin",
            $"torrents/setLocation hashes={Id}&location=%2Fd%C3%A4ta%2Fx%20y",
            $"torrents/delete hashes={Id}&deleteFiles=true",
        ];
        Assert.That(client.Server.Calls.Select(static call => $"{call.Path} {call.Text}"), Is.EqualTo(expected));
    }

    [Test]
    public async Task EveryRequest_Headers_HaveALengthAndNothingThatTheServerMistrusts()
    {
        await using var client = WithLogin();
        client.Server.Answer("app/webapiVersion", HttpStatusCode.Forbidden).Answer("auth/login", "Ok.").Answer("torrents/stop", "");
        await client.Api.StopAsync([Id], default);

        Assert.That(client.Server.Requests.Select(static request => request.Headers.Keys), Is.All.No.Member("Origin").And.No.Member("Referer").And.No.Member("Expect"));
        Assert.That(client.Server.Requests.Select(static request => request.Headers["User-Agent"]), Is.All.StartsWith("qbsync/"));
        var posts = client.Server.Requests.Where(static request => request.Method == "POST").ToList();
        Assert.That(posts, Has.Count.EqualTo(2));
        Assert.That(posts.Select(static post => post.Headers["Content-Length"]), Is.EqualTo(posts.Select(static post => $"{post.Body.Length}")));
        Assert.That(posts.Select(static post => post.Headers.ContainsKey("Transfer-Encoding")), Is.All.False);
        Assert.That(posts[0].Text, Is.EqualTo("username=user&password=p%26ss%20w%C3%B6rd"));
    }

    [ClientCase(12)]
    [TestCase("2.5.1")]
    [TestCase("2.8.19")]
    [TestCase("2.11.4")]
    [TestCase("2.16.2")]
    public async Task Limits_Form_HasAllFiveFields(string version)
    {
        await using var client = new ScriptedClient(version);
        client.Server.Always("torrents/setShareLimits", HttpStatusCode.OK);
        await client.Client.SetShareLimitsAsync([Id], ShareLimits.Global, default);
        await client.Client.SetShareLimitsAsync([Id], new(ShareLimit.Of(1.5), ShareLimit.Of(59.2), ShareLimit.Unlimited), default);
        await client.Client.SetShareLimitsAsync([Id], new(ShareLimit.Of(1e-9), ShareLimit.Unlimited, ShareLimit.Of(1e15)), default);
        Assert.That(client.Server.Calls.Select(static call => call.Text), Is.EqualTo(new[]
        {
            Limits("-2", "-2", "-2"), Limits("1.5", "60", "-1"), Limits("0.0001", "-1", "2147483647"),
        }));
    }

    [ClientCase(12)]
    [TestCase("2.5.1")]
    [TestCase("2.8.19")]
    [TestCase("2.11.4")]
    [TestCase("2.16.2")]
    public async Task Add_Form_HasBothSpellingsOfStoppedAndOfSeedMode(string version)
    {
        await using var client = new ScriptedClient(version);
        client.Server.Answer("torrents/add", "Ok.");
        var request = new AddTorrentRequest
        {
            Torrent = "d4:infoe"u8.ToArray(),
            SavePath = "/däta/x y",
            Category = "films",
            Tags = ["a", "b c"],
            SkipCheck = true,
            Layout = ContentLayout.NoSubfolder,
        };
        var outcome = await client.Client.AddAsync(request, default);

        var sent = client.Server.Calls.Single();
        var boundary = "--" + sent.Headers["Content-Type"].Split("boundary=")[1];
        var parts = sent.Text.Split(boundary + "\r\n", StringSplitOptions.RemoveEmptyEntries).Select(static part => part.Replace("Content-Disposition: form-data; ", "", StringComparison.Ordinal)).ToList();
        Assert.That(outcome, Is.EqualTo(AddTorrentOutcome.Taken));
        Assert.That(parts.Take(14), Is.EqualTo(new[]
        {
            Field("savepath", "/däta/x y"), Field("category", "films"), Field("tags", "a,b c"), Field("autoTMM", "false"), Field("useDownloadPath", "false"),
            Field("contentLayout", "NoSubfolder"), Field("root_folder", "false"), Field("stopped", "true"), Field("paused", "true"),
            Field("skip_checking", "true"), Field("seedMode", "true"), Field("stopCondition", "FilesChecked"), Field("sequentialDownload", "false"),
            Field("firstLastPiecePrio", "false"),
        }));
        Assert.That(parts[14], Does.Match("^name=\"torrents\"; filename=\"[0-9a-f]{64}\\.torrent\"\r\nContent-Type: application/x-bittorrent\r\n\r\nd4:infoe\r\n"));
        Assert.That(sent.Text, Does.EndWith("\r\n" + boundary + "--\r\n"));
        Assert.That(sent.Headers["Content-Length"], Is.EqualTo($"{sent.Body.Length}"));
    }

    [TestCase(200, "Ok.", AddTorrentOutcome.Taken)]
    [TestCase(200, "Fails.", AddTorrentOutcome.Unclear)]
    [TestCase(200, """{"success_count":1,"failure_count":0,"pending_count":0}""", AddTorrentOutcome.Taken)]
    [TestCase(202, """{"success_count":0,"pending_count":1}""", AddTorrentOutcome.Taken)]
    [TestCase(200, """{"success_count":0,"failure_count":1}""", AddTorrentOutcome.Unclear)]
    [TestCase(409, """{"success_count":0,"failure_count":1}""", AddTorrentOutcome.Unclear)]
    [TestCase(415, "", AddTorrentOutcome.Refused)]
    public async Task Add_Answer_IsReadByStatusAndToken(int status, string body, AddTorrentOutcome expected)
    {
        await using var client = new ScriptedClient("2.16.0");
        client.Server.Answer("torrents/add", (HttpStatusCode)status, body);
        Assert.That(await client.Client.AddAsync(Torrent(), default), Is.EqualTo(expected));
    }

    [Test]
    public async Task Add_LostAnswer_IsUnclearAndSentOnce()
    {
        await using var client = new ScriptedClient();
        client.Server.Throw("torrents/add", new HttpRequestException(HttpRequestError.ResponseEnded));
        Assert.That(await client.RunAsync(() => client.Client.AddAsync(Torrent(), default).AsTask()), Is.EqualTo(AddTorrentOutcome.Unclear));
        Assert.That(client.Server.Count("torrents/add"), Is.EqualTo(1));
    }

    [Test, ClientCase(14)]
    public async Task Unsendable_Arguments_AreRefusedUnsent()
    {
        await using var client = new ScriptedClient();
        Assert.That(async () => await client.Client.AddAsync(Torrent() with { SavePath = "/a " }, default), Throws.TypeOf<TorrentClientException>());
        Assert.That(async () => await client.Client.AddAsync(Torrent() with { Torrent = new byte[(63 << 20) + 1] }, default), Throws.TypeOf<TorrentClientException>());
        Assert.That(async () => await client.Client.AddAsync(Torrent() with { Tags = ["a,b"] }, default), Throws.ArgumentException);
        Assert.That(async () => await client.Client.AddTagsAsync([Id], [" "], default), Throws.ArgumentException);
        Assert.That(async () => await client.Client.RecheckAsync(new("all"), default), Throws.ArgumentException);
        Assert.That(async () => await client.Client.StopAsync([], true, default), Throws.InstanceOf<ArgumentException>());
        Assert.That(client.Server.Requests, Is.Empty);
    }

    [TestCase("no ids"), TestCase("all"), TestCase("several in one")]
    [ClientCase(14)]
    public async Task EveryMethod_WithIdsThatMeanMore_IsRefusedUnsent(string what)
    {
        await using var client = new ScriptedClient();
        ClientTorrentId[] ids = what switch
        {
            "no ids" => [],
            "all" => [new("all")],
            _ => [new(Id + "|" + new string('b', 40))],
        };
        var tried = 0;
        foreach (var (target, method) in EveryMethod.Of<ITorrentClient>().Select(method => ((object)client.Client, method))
            .Concat(EveryMethod.Of<IQBittorrentClient>().Select(method => ((object)client.Api, method))))
        {
            var takes = method.GetParameters().Select(static parameter => parameter.ParameterType).ToList();
            var takesList = takes.Contains(typeof(IReadOnlyCollection<ClientTorrentId>)) && method.Name != nameof(ITorrentClient.PollAsync);
            if (takesList || (ids.Length > 0 && takes.Contains(typeof(ClientTorrentId))))
            {
                tried++;
                Assert.That(async () => await EveryMethod.CallAsync(target, method, default, ids).DefaultTimeout(), Throws.InstanceOf<ArgumentException>(), method.Name);
            }
        }

        Assert.That(tried, Is.GreaterThan(15));
        Assert.That(client.Server.Calls, Is.Empty);
    }

    [Test]
    public async Task SetLocation_ForbiddenAfterAFreshLogin_IsAConflictOfTheFolderAndTheClientStaysUsable()
    {
        await using var client = new ScriptedClient();
        client.Server.Always("torrents/setLocation", HttpStatusCode.Forbidden).Answer("torrents/recheck", "");
        Assert.That(client.Fault(() => client.Client.SetLocationAsync([Id], "/readonly", default).AsTask()).Fault, Is.EqualTo(ClientFault.Conflict));
        Assert.That(client.Server.Count("torrents/setLocation"), Is.EqualTo(2));
        Assert.That(async () => await client.Client.SetLocationAsync([Id], " /a", default), Throws.ArgumentException);
        await client.Client.RecheckAsync(Id, default);
        Assert.That(client.Client.Availability.Gate, Is.EqualTo(ClientGate.Closed));
    }

    [Test]
    public async Task ManyIdsAndFiles_Change_GoInBatches()
    {
        await using var client = new ScriptedClient();
        client.Server.Always("torrents/addTags", HttpStatusCode.OK).Always("torrents/filePrio", HttpStatusCode.OK);
        ClientTorrentId[] ids = [.. Enumerable.Range(0, 130).Select(static i => new ClientTorrentId(i.ToString("x40", System.Globalization.CultureInfo.InvariantCulture)))];
        await client.Client.AddTagsAsync(ids, ["t"], default);
        await client.Client.SelectAsync(Id, [.. Enumerable.Range(0, 1001)], true, default);
        Assert.That(client.Server.Count("torrents/addTags"), Is.EqualTo(3));
        Assert.That(client.Server.Count("torrents/filePrio"), Is.EqualTo(3));
        Assert.That(Encoding.ASCII.GetString(client.Server.Calls[^1].Body), Is.EqualTo($"hash={Id}&id=1000&priority=1"));
    }

    [Test, ClientCase(21)]
    public async Task Export_ThatIsNoTorrent_IsABrokenAnswer()
    {
        foreach (var body in new[] { "", "<html>sign in</html>", "Fails.", "{}" })
        {
            await using var client = new ScriptedClient();
            client.Server.Always("torrents/export", HttpStatusCode.OK, body);
            Assert.That(client.Fault(() => client.Client.GetManifestAsync(Id, default).AsTask()).Fault, Is.EqualTo(ClientFault.BrokenAnswer), body);
        }
    }

    [Test]
    public async Task Category_RefusedWithAConflict_IsThereOrRejected()
    {
        await using var client = new ScriptedClient();
        client.Server.Always("torrents/createCategory", HttpStatusCode.Conflict).Always("torrents/categories", HttpStatusCode.OK, """{"films":{"name":"films","savePath":""}}""");
        await client.Client.EnsureCategoryAsync("films", default);
        var fault = client.Fault(() => client.Client.EnsureCategoryAsync("a//b", default).AsTask());
        Assert.That((fault.Fault, fault.Status), Is.EqualTo((ClientFault.Rejected, (int?)409)));
    }

    [ClientCase(32)]
    [TestCase("2.5.1", 0, 1.0, false)]
    [TestCase("2.5.1", 0, 0.3, false)]
    [TestCase("2.5.1", 0, 0.0, true)]
    [TestCase("2.5.1", 1, 1.0, true)]
    [TestCase("2.8.18", 0, 1.0, true)]
    public async Task Delete_WithoutFiles_IsSentWhereItLosesNothing(string version, int priority, double progress, bool isSent)
    {
        await using var client = new ScriptedClient(version);
        var files = string.Create(
            System.Globalization.CultureInfo.InvariantCulture, $$"""[{"name":"t/a","size":5,"priority":1,"progress":1},{"name":"t/b","size":5,"priority":{{priority}},"progress":{{progress}}}]""");
        client.Server.Always("torrents/info", HttpStatusCode.OK, $$"""[{"hash":"{{Id}}","name":"t","state":"pausedUP","save_path":"/d","total_size":10}]""")
            .Always("torrents/files", HttpStatusCode.OK, files).Always("torrents/delete", HttpStatusCode.OK);
        if (isSent)
        {
            await client.Client.DeleteAsync([Id], false, default);
        }
        else
        {
            var fault = client.Fault(() => client.Client.DeleteAsync([Id], false, default).AsTask());
            Assert.That(fault.Fault, Is.EqualTo(ClientFault.Unsupported));
            Assert.That(fault.Message, Does.Contain("t/b"));
        }

        Assert.That(client.Server.Count("torrents/delete"), Is.EqualTo(isSent ? 1 : 0));
        await client.Client.DeleteAsync([Id], true, default);
        Assert.That(client.Server.Count("torrents/delete"), Is.EqualTo(isSent ? 2 : 1), "with its files nothing is to be kept");
    }

    private static AddTorrentRequest Torrent() => new() { Torrent = "d4:infoe"u8.ToArray(), SavePath = "/data" };

    private static string Limits(string ratio, string seeding, string inactive) =>
        $"hashes={Id}&ratioLimit={ratio}&seedingTimeLimit={seeding}&inactiveSeedingTimeLimit={inactive}&shareLimitAction=Default&shareLimitsMode=Default";

    private static string Field(string name, string value) => $"name=\"{name}\"\r\n\r\n{value}\r\n";
}
