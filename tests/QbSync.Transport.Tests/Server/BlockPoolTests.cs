using QbSync.Transport.Server;

namespace QbSync.Transport.Tests.Server;

internal sealed class BlockPoolTests
{
    [Test]
    public void Rent_AnySmallerSize_GivesAWholeBlockAndTheLastOneReturned()
    {
        var factory = new BlockPoolFactory(new TransportServerOptions());
        using var first = factory.Create();
        using var second = factory.Create();
        var owner = first.Rent(4096);
        Assert.That(owner.Memory.Length, Is.EqualTo(256 << 10));
        owner.Memory.Span[0] = 77;
        owner.Dispose();
        owner.Dispose();
        using var again = second.Rent();
        using var other = second.Rent();
        Assert.That(again.Memory.Span[0], Is.EqualTo(77), "a block is shared by the pools of one factory");
        Assert.That(again.Memory.Span == other.Memory.Span, Is.False, "disposed twice, returned once");
        Assert.That(() => first.Rent((256 << 10) + 1), Throws.TypeOf<ArgumentOutOfRangeException>());
    }
}
