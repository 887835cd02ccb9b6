using QbSync.Ports;
using QbSync.QBittorrent.Adapters;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;

namespace QbSync.QBittorrent.Tests.Adapters;

internal sealed class TorrentsFolderTests
{
    private static readonly ClientTorrentId Id = new(new string('a', 40));
    private TempDirectory _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TempDirectory();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    [SourceCase(33)]
    public async Task Read_WhatIsThere_GivesItsBytes()
    {
        await File.WriteAllBytesAsync(_folder[$"{Id}.torrent"], "d4:infode"u8.ToArray());
        Assert.That(await new TorrentsFolder(_folder.Path).ReadAsync(Id, default), Is.EqualTo("d4:infode"u8.ToArray()));
    }

    [Test]
    public void Read_WhatIsNotThere_IsNotFoundAndNamesTheOption() =>
        Assert.That(async () => await new TorrentsFolder(_folder.Path).ReadAsync(Id, default), Throws.InstanceOf<TorrentClientException>()
            .With.Property("Fault").EqualTo(ClientFault.NotFound).And.Message.Contains("qb-torrents-dir"));

    [TestCase("")]
    [TestCase("x")]
    public void Read_WhatIsNoTorrentYet_IsBrokenAndTriedAgain(string content)
    {
        File.WriteAllText(_folder[$"{Id}.torrent"], content);
        Assert.That(
            async () => await new TorrentsFolder(_folder.Path).ReadAsync(Id, default),
            Throws.InstanceOf<TorrentClientException>().With.Property("Fault").EqualTo(ClientFault.BrokenAnswer));
    }

    [Test]
    public void Read_AFolderOfThatName_IsBroken()
    {
        Directory.CreateDirectory(_folder[$"{Id}.torrent"]);
        Assert.That(
            async () => await new TorrentsFolder(_folder.Path).ReadAsync(Id, default), Throws.InstanceOf<TorrentClientException>());
    }

    [TestCase("../../etc/passwd")]
    [TestCase("")]
    public void Read_WhatIsNoId_TouchesNoFile(string id) =>
        Assert.That(async () => await new TorrentsFolder(_folder.Path).ReadAsync(new ClientTorrentId(id), default), Throws.ArgumentException);
}
