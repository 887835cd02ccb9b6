using QbSync.Ports;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Testing.Clients;

public abstract partial class TorrentClientConformance
{
    [Test]
    public async Task Limits_OfEachKind_AreSetAndShown()
    {
        var id = await AddAsync(Several());
        Assert.That((await GetAsync(id)).Limits, Is.EqualTo(ShareLimits.Global));
        var limits = new ShareLimits(ShareLimit.Of(2.5), ShareLimit.Of(1440), ShareLimit.Unlimited);
        await Client.SetShareLimitsAsync([id], limits, CancellationToken.None).DefaultTimeout();
        await UntilAsync(id, status => IsLimited(status, limits));
        limits = new ShareLimits(ShareLimit.Unlimited, ShareLimit.Global, ShareLimit.Of(60));
        await Client.SetShareLimitsAsync([id], limits, CancellationToken.None).DefaultTimeout();
        await UntilAsync(id, status => IsLimited(status, limits));
        await Client.SetShareLimitsAsync([id], ShareLimits.Global, CancellationToken.None).DefaultTimeout();
        await UntilAsync(id, status => status.Limits == ShareLimits.Global);
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Delete_TakesTheContentAlong_ExactlyIfAsked(bool withFiles)
    {
        BuiltTorrent[] torrents = [Several(), Several()];
        List<ClientTorrentId> ids = [];
        foreach (var torrent in torrents)
        {
            torrent.WriteContent(Folder);
            ids.Add(await AddAsync(torrent, skipCheck: true));
            await UntilAsync(ids[^1], IsStoppedAndComplete);
        }

        await Client.PollAsync([], CancellationToken.None).DefaultTimeout();
        await Client.DeleteAsync([ids[0]], withFiles, CancellationToken.None).DefaultTimeout();
        await Eventually.BecomesTrueAsync(async () => await FindAsync(torrents[0]) is null, Patience);
        Assert.That(await Client.GetAsync(ids, CancellationToken.None).DefaultTimeout(), Has.Count.EqualTo(1));
        await Eventually.BecomesTrueAsync(() => torrents[0].Files.All(file => File.Exists(Path.Combine(Folder, file.RelativePath)) != withFiles), Patience);
        Assert.That(torrents[1].Files.All(file => File.Exists(Path.Combine(Folder, file.RelativePath))), Is.True);
        await Eventually.BecomesTrueAsync(
            async () => (await Client.PollAsync([], CancellationToken.None)).Torrents.All(status => status.Id != ids[0]), Patience);
    }

    [Test]
    public async Task TheLog_CanBeRead() =>
        Assert.That(await Client.GetLogAsync(CancellationToken.None).DefaultTimeout(), Is.Not.Null);

    private bool IsLimited(TorrentStatus status, ShareLimits limits) =>
        status.Limits == (Can.LimitsInactivity ? limits : limits with { InactiveMinutes = ShareLimit.Global });
}
