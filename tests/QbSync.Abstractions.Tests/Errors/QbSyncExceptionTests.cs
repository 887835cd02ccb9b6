namespace QbSync.Tests.Errors;

public sealed class QbSyncExceptionTests
{
    [Test]
    public void IsTransient_OfAnOutage_IsTrue() => Assert.Multiple(() =>
    {
        Assert.That(new TorrentClientException(ClientFault.Unreachable, "Get", "x").IsTransient, Is.True);
        Assert.That(new PeerException(PeerFault.Unreachable, "x").IsTransient, Is.True);
        Assert.That(new StorageException(StorageFault.NoSpace, "x").IsTransient, Is.True);
    });

    [Test]
    public void IsTransient_OfWhatStaysWrong_IsFalse() => Assert.Multiple(() =>
    {
        Assert.That(new TorrentFormatException(TorrentFormatReason.Malformed, "x").IsTransient, Is.False);
        Assert.That(new TorrentClientException(ClientFault.Unsupported, "Get", "x").IsTransient, Is.False);
        Assert.That(new PeerException(PeerFault.ProtocolMismatch, "x").IsTransient, Is.False);
        Assert.That(new StorageException(StorageFault.PathRefused, "x").IsTransient, Is.False);
    });
}
