using QbSync.Transport.Wire;

namespace QbSync.Transport.Tests.Wire;

internal sealed class ChunkBufferPoolTests
{
    [TestCase(1, 64 << 10)]
    [TestCase(65_536, 64 << 10)]
    [TestCase(65_537, 256 << 10)]
    [TestCase(512 << 10, 512 << 10)]
    [TestCase(1 << 20, 1 << 20)]
    public void Rent_TakesTheSmallestThatFits(int length, int size) =>
        Assert.That(new ChunkBufferPool().Rent(length).Bytes, Has.Length.EqualTo(size));

    [Test]
    public void Rent_AfterReturn_GivesTheLastOneBack()
    {
        var pool = new ChunkBufferPool();
        var first = pool.Rent(10);
        var second = pool.Rent(10);
        first.Return();
        second.Return();
        Assert.That(pool.Rent(10), Is.SameAs(second));
        Assert.That(pool.Rented, Is.EqualTo(1));
    }

    [Test]
    public void Rent_OnlyALargerOneIsIdle_TakesIt()
    {
        var pool = new ChunkBufferPool();
        var large = pool.Rent(1 << 20);
        large.Return();
        Assert.That(pool.Rent(10), Is.SameAs(large));
        Assert.That(pool.Rent(10).Bytes, Has.Length.EqualTo(64 << 10));
    }

    [Test]
    public void Return_AboveTheIdleLimit_LetsGo()
    {
        var pool = new ChunkBufferPool(maxIdleBytes: 64 << 10);
        var first = pool.Rent(10);
        var second = pool.Rent(10);
        first.Return();
        second.Return();
        Assert.That(pool.Rent(10), Is.SameAs(first));
        Assert.That(pool.Rent(10), Is.Not.SameAs(second));
    }

    [Test]
    public void Rent_MoreThanAChunk_IsRefused() =>
        Assert.That(() => new ChunkBufferPool().Rent(ChunkBufferPool.MaxLength + 1), Throws.TypeOf<ArgumentOutOfRangeException>());
}
