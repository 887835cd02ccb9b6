using QbSync.Ports;
using QbSync.Testing.Waiting;

namespace QbSync.Testing.Clients;

public abstract partial class TorrentClientConformance
{
    [Test]
    public async Task ALocation_Set_MovesContentAndKeepsTheTorrentWhole()
    {
        var torrent = Several();
        torrent.WriteContent(Folder);
        var id = await AddAsync(torrent, skipCheck: true);
        await UntilAsync(id, IsStoppedAndComplete);
        var there = Directory.CreateDirectory(Path.Combine(Folder, "other", "place")).FullName;
        await Client.SetLocationAsync([id], there, CancellationToken.None).DefaultTimeout();
        await UntilAsync(id, status => status.SavePath.TrimEnd('/') == there && IsStoppedAndComplete(status));
        await Eventually.BecomesTrueAsync(() => torrent.Files.All(file => File.Exists(Path.Combine(there, file.RelativePath)) || file.Length == 0), Patience);
        Assert.That(File.Exists(Path.Combine(Folder, torrent.Files[0].RelativePath)), Is.False);
        Assert.That(await File.ReadAllBytesAsync(Path.Combine(there, torrent.Files[1].RelativePath)), Is.EqualTo(torrent.ReadFile(1)));

        await Client.SetLocationAsync([id], there, CancellationToken.None).DefaultTimeout();
        await RecheckAsync(id, IsStoppedAndComplete);
    }

    [Test]
    public async Task Trackers_OfATorrentWithout_AreNone()
    {
        var id = await AddAsync(Several());
        Assert.That(await Client.GetTrackersAsync(id, CancellationToken.None).DefaultTimeout(), Is.Empty);
        var unknown = new ClientTorrentId(new string('0', 39) + "1");
        Assert.ThrowsAsync(
            Is.TypeOf<TorrentClientException>().With.Property(nameof(TorrentClientException.Fault)).EqualTo(ClientFault.NotFound),
            async () => await Client.GetTrackersAsync(unknown, CancellationToken.None));
    }
}
