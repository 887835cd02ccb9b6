using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.QBittorrent.Tests.Real;

/// <summary>What is added is told apart by looks, and what is exported is what was added.</summary>
[Category("Real"), Parallelizable]
internal sealed class IdentityTests
{
    private RealClient _real = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _real = await RealClient.StartAsync();

    [OneTimeTearDown]
    public async Task EndAsync() => await _real.DisposeAsync();

    [Test, ClientCase(16)]
    public async Task Add_NewTwiceGarbageNothingAndV2_AreToldApartByFind()
    {
        var is45 = await _real.IsAtLeastAsync("2.8.4");
        var torrent = new TorrentBuilder("new.bin") { Seed = 510 }.Build();
        torrent.WriteContent(_real.Instance.SavePath);
        Assert.That(await FindAsync(torrent), Is.Null);
        Assert.That(await AddAsync(torrent.Bytes, category: "first"), Is.EqualTo(AddTorrentOutcome.Taken));
        var added = await _real.BecomesAsync(torrent, static status => status.IsStopped);

        // Answered well by 4.2, and with a failure by the others; it stays as it was at all of them.
        Assert.That(await AddAsync(torrent.Bytes, category: "second"), Is.EqualTo(is45 ? AddTorrentOutcome.Unclear : AddTorrentOutcome.Taken));
        var after = (await FindAsync(torrent))!;
        Assert.That((after.Category, after.SavePath, after.AddedAt), Is.EqualTo((added.Category, added.SavePath, added.AddedAt)));

        Assert.That(await AddAsync("no torrent at all"u8.ToArray()), Is.EqualTo(AddTorrentOutcome.Refused));
        Assert.That(await AddAsync([]), Is.EqualTo(AddTorrentOutcome.Refused));

        var second = new TorrentBuilder("second.bin") { Seed = 511, Version = TorrentVersion.V2 }.Build();
        Assert.That(await AddAsync(second.Bytes), Is.EqualTo(is45 ? AddTorrentOutcome.Taken : AddTorrentOutcome.Refused));
        if (is45)
        {
            await _real.BecomesAsync(second, static status => status.IsStopped);
        }

        Assert.That(await _real.Api.GetTorrentsAsync(null, default), Has.Count.EqualTo(is45 ? 2 : 1));
    }

    [ClientCase(21)]
    [TestCase(TorrentVersion.V1)]
    [TestCase(TorrentVersion.Hybrid)]
    [TestCase(TorrentVersion.V2)]
    public async Task Export_OfAPrivateTrackedEditedTorrentWithUnknownKeys_HasTheSameInfo(TorrentVersion version)
    {
        if (!await _real.IsAtLeastAsync("2.8.18"))
        {
            Assert.That(
                Assert.ThrowsAsync<TorrentClientException>(async () => await _real.Client.GetManifestAsync(new(new string('a', 40)), default))!.Fault,
                Is.EqualTo(ClientFault.Unsupported));
            return;
        }

        var map = new TorrentBuilder($"export {version}") { Seed = 520, Version = version, PieceLength = 32768, IsPrivate = true, Tracker = "http://127.0.0.1:9/secret" }
            .AddFile("a.bin", 100_000).AddFile("b.bin", 40_000).AddFile("c.bin", 5).BuildMap();
        var info = (BencodeMap)map["info"];
        info["source"] = "TRACKER";
        info["x_cross_seed"] = "0123456789";
        info["zz unknown"] = new BencodeList { 1, "two", new BencodeMap { { "three", 3L } } };
        map["comment"] = "cömment";
        map["x unknown"] = new BencodeMap { { "k", new byte[] { 0, 255, 128 } } };
        var bytes = BencodeWriter.Write(map);
        var manifest = TorrentManifest.Parse(bytes);
        Assert.That(await AddAsync(bytes), Is.EqualTo(AddTorrentOutcome.Taken));
        TorrentStatus? status = null;
        await Eventually.BecomesTrueAsync(async () => (status = await _real.Client.FindAsync(manifest.V1, manifest.V2, default)) is { IsStopped: true });

        await PostAsync("torrents/addTrackers", ("hash", status!.Id.Value), ("urls", "http://127.0.0.1:9/another"));
        const string Old = "http://127.0.0.1:9/secret";
        await PostAsync("torrents/editTracker", ("hash", status.Id.Value), ("origUrl", Old), ("url", Old), ("newUrl", "http://127.0.0.1:9/changed"));
        await PostAsync("torrents/rename", ("hash", status.Id.Value), ("name", "another name"));
        await Eventually.BecomesTrueAsync(async () =>
            (await _real.Client.GetTrackersAsync(status.Id, default)).Select(static tracker => tracker.Url).Order()
                .SequenceEqual(["http://127.0.0.1:9/another", "http://127.0.0.1:9/changed"]));

        var exported = TorrentManifest.Parse(await _real.Client.GetManifestAsync(status.Id, default));
        Assert.That((exported.V1, exported.V2, exported.Name, exported.IsPrivate), Is.EqualTo((manifest.V1, manifest.V2, manifest.Name, true)));
    }

    private async Task<AddTorrentOutcome> AddAsync(byte[] torrent, string category = "") => await _real.Client.AddAsync(
        new AddTorrentRequest { Torrent = torrent, SavePath = _real.Instance.SavePath, Category = category }, default);

    private Task<TorrentStatus?> FindAsync(BuiltTorrent torrent) => _real.Client.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, default).AsTask();

    /// <summary>What a person does in the WebUI, and nothing of ours ever does.</summary>
    private async Task PostAsync(string endpoint, params (string Name, string Value)[] fields)
    {
        using var http = new HttpClient();
        using var form = new FormUrlEncodedContent(fields.Select(static field => KeyValuePair.Create(field.Name, field.Value)));
        using var answer = await http.PostAsync(new Uri(_real.Instance.Url, "api/v2/" + endpoint), form);
        Assert.That(answer.IsSuccessStatusCode, Is.True, $"{endpoint}: {(int)answer.StatusCode}");
    }
}
