using QbSync.Ports;
using QbSync.Testing.Waiting;

namespace QbSync.Testing.Clients;

public abstract partial class TorrentClientConformance
{
    [Test]
    public async Task Tags_AreAddedAndRemoved()
    {
        var id = await AddAsync(Several(), tags: "kept");
        await Client.AddTagsAsync([id], ["synced", "with space"], CancellationToken.None).DefaultTimeout();
        await UntilAsync(id, static status => status.Tags.SetEquals(["kept", "synced", "with space"]));
        await Client.AddTagsAsync([id], ["synced"], CancellationToken.None).DefaultTimeout();
        await Client.RemoveTagsAsync([id], ["synced", "never there"], CancellationToken.None).DefaultTimeout();
        await UntilAsync(id, static status => status.Tags.SetEquals(["kept", "with space"]));
    }

    [TestCase("")]
    [TestCase("a,b")]
    public async Task ATag_ThatIsNone_IsAnArgumentError(string tag)
    {
        var id = await AddAsync(Several());
        Assert.That(async () => await Client.AddTagsAsync([id], [tag], CancellationToken.None), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public async Task ACategory_IsMadeOnce_AndSet()
    {
        var id = await AddAsync(Several());
        await Client.EnsureCategoryAsync("films", CancellationToken.None).DefaultTimeout();
        await Client.EnsureCategoryAsync("films", CancellationToken.None).DefaultTimeout();
        await Client.SetCategoryAsync([id], "films", CancellationToken.None).DefaultTimeout();
        await UntilAsync(id, static status => status.Category == "films");
        await Client.SetCategoryAsync([id], "", CancellationToken.None).DefaultTimeout();
        await UntilAsync(id, static status => status.Category.Length == 0);
    }

    [Test]
    public async Task ACompleteTorrent_StartsAndStops()
    {
        var torrent = Several();
        torrent.WriteContent(Folder);
        var id = await AddAsync(torrent, skipCheck: true);
        await UntilAsync(id, IsStoppedAndComplete);
        await Client.StartAsync([id], force: false, CancellationToken.None).DefaultTimeout();
        var status = await UntilAsync(id, static status => status.State.IsActive());
        Assert.That(status.IsComplete, Is.True);
        await Client.StopAsync([id], whileChecking: false, CancellationToken.None).DefaultTimeout();
        await UntilAsync(id, IsStoppedAndComplete);
    }

    [Test]
    public async Task AnIncompleteTorrent_StartsByForceOnly()
    {
        var id = await AddAsync(Several());
        await UntilAsync(id, static status => status.State == ClientTorrentState.StoppedDl);
        Assert.ThrowsAsync(
            Is.TypeOf<TorrentClientException>().With.Property(nameof(TorrentClientException.Fault)).EqualTo(ClientFault.Conflict),
            async () => await Client.StartAsync([id], force: false, CancellationToken.None));
        Assert.That((await GetAsync(id)).State, Is.EqualTo(ClientTorrentState.StoppedDl));
    }
}
