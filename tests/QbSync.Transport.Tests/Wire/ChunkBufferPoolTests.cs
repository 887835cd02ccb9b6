using Microsoft.Extensions.Time.Testing;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Tests.Wire;

internal sealed class ChunkBufferPoolTests
{
    private const long MiB = 1 << 20;

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
        var pool = new ChunkBufferPool(mostBytes: 64 << 10);
        var first = pool.Rent(10);
        var second = pool.Rent(10);
        first.Return();
        second.Return();
        Assert.That(pool.Rent(10), Is.SameAs(first));
        Assert.That(pool.Rent(10), Is.Not.SameAs(second));
    }

    [Test]
    public void Return_ManyWereInUseAtOnce_AreKeptForAWhileAndThenLetGo()
    {
        var time = new FakeTimeProvider();
        var pool = new ChunkBufferPool(300 * MiB, time);
        for (var i = 0; i < 4; i++)
        {
            UseAtOnce(pool, 200);
            Assert.That(pool.IdleBytes, Is.EqualTo(200 * MiB));
            time.Advance(TimeSpan.FromSeconds(10));
        }

        // Whoever comes again finds what was there, warm or not.
        var before = GC.GetAllocatedBytesForCurrentThread();
        UseAtOnce(pool, 200);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(MiB));

        time.Advance(TimeSpan.FromSeconds(15));
        UseAtOnce(pool, 10);
        Assert.That(pool.IdleBytes, Is.EqualTo(200 * MiB));
        time.Advance(TimeSpan.FromSeconds(15));
        Assert.That(pool.IdleBytes, Is.EqualTo(64 * MiB));
        time.Advance(TimeSpan.FromMinutes(10));
        Assert.That(pool.IdleBytes, Is.EqualTo(64 * MiB));
    }

    [Test]
    public void Return_MoreThanTheMostWasInUse_KeepsTheMost()
    {
        var pool = new ChunkBufferPool(100 * MiB, new FakeTimeProvider());
        UseAtOnce(pool, 150);
        Assert.That(pool.IdleBytes, Is.EqualTo(100 * MiB));
    }

    [Test]
    public void Period_StillInUse_KeepsNoMoreThanWasInUse()
    {
        var time = new FakeTimeProvider();
        var pool = new ChunkBufferPool(300 * MiB, time);
        var used = Rent(pool, 200);
        used[..100].ForEach(static buffer => buffer.Return());
        Assert.That(pool.IdleBytes, Is.EqualTo(100 * MiB));

        time.Advance(TimeSpan.FromSeconds(15));
        Assert.That(pool.IdleBytes, Is.EqualTo(100 * MiB));
        time.Advance(TimeSpan.FromSeconds(15));
        Assert.That(pool.IdleBytes, Is.EqualTo(64 * MiB));
        used[100..].ForEach(static buffer => buffer.Return());
        Assert.That((pool.IdleBytes, pool.Rented), Is.EqualTo((100 * MiB, 0)));
    }

    /// <summary>Chunks grow with the rate: what was idle of the small ones makes place.</summary>
    [Test]
    public void Return_IdleIsFullOfSmallerOnes_KeepsTheLargerOne()
    {
        var pool = new ChunkBufferPool(mostBytes: 2 * MiB);
        List<ChunkBuffer> small = [.. Enumerable.Range(0, 32).Select(_ => pool.Rent(10))];
        List<ChunkBuffer> large = [pool.Rent(1 << 20), pool.Rent(1 << 20)];
        small.ForEach(static buffer => buffer.Return());
        Assert.That(pool.IdleBytes, Is.EqualTo(2 * MiB));

        large.ForEach(static buffer => buffer.Return());

        Assert.That(pool.IdleBytes, Is.EqualTo(2 * MiB));
        Assert.That(new[] { pool.Rent(1 << 20), pool.Rent(1 << 20) }, Is.EquivalentTo(large));
    }

    [Test]
    public void Rent_MoreThanAChunk_IsRefused() =>
        Assert.That(() => new ChunkBufferPool().Rent(ChunkBufferPool.MaxLength + 1), Throws.TypeOf<ArgumentOutOfRangeException>());

    private static void UseAtOnce(ChunkBufferPool pool, int count) => Rent(pool, count).ForEach(static buffer => buffer.Return());

    private static List<ChunkBuffer> Rent(ChunkBufferPool pool, int count) => [.. Enumerable.Range(0, count).Select(_ => pool.Rent(ChunkBufferPool.MaxLength))];
}
