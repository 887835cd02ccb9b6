using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using QbSync.Ports;
using QbSync.Transport.Security;
using QbSync.Transport.Server;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Tests.Server;

internal sealed class SessionTableTests
{
    private static readonly Caller Caller = new(new Guid(1, 2, 3, new byte[8]), "src");
    private static readonly IPeerFeature Peer = KnownPeer.Local;
    private readonly FakeTimeProvider _time = new();
    private int _ids;

    [Test]
    public void Take_KnownSession_GivesItsCaller()
    {
        var table = NewTable();
        var session = table.Open(Caller)!;
        using var lease = table.Take(Headers(session.Id), Peer);
        Assert.That(lease.Caller, Is.EqualTo(Caller));
    }

    [Test]
    public void Take_UnknownShortOrMissingSession_AsksForHello()
    {
        var table = NewTable();
        foreach (var headers in new[] { [], Headers(new byte[16]), Headers(new byte[3]) })
        {
            Assert.That(() => table.Take(headers, Peer), Throws.TypeOf<RpcException>().With.Matches<RpcException>(StatusMapping.IsHelloNeeded));
        }
    }

    [Test]
    public void Take_AfterTenIdleMinutes_AsksForHello_ButNotWhileInUse()
    {
        var table = NewTable();
        var session = table.Open(Caller)!;
        var lease = table.Take(Headers(session.Id), Peer);
        _time.Advance(TimeSpan.FromHours(1));
        table.Take(Headers(session.Id), Peer).Dispose();
        lease.Dispose();
        _time.Advance(TimeSpan.FromMinutes(9));
        table.Take(Headers(session.Id), Peer).Dispose();
        _time.Advance(TimeSpan.FromMinutes(11));
        Assert.That(() => table.Take(Headers(session.Id), Peer), Throws.TypeOf<RpcException>());
    }

    [Test]
    public void Open_MoreThanTheTableHolds_ForgetsTheOldestIdle()
    {
        var table = NewTable();
        var first = table.Open(Caller)!;
        var used = table.Take(Headers(first.Id), Peer);
        var second = table.Open(Caller)!;
        for (var i = 0; i < 255; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            table.Open(Caller);
        }

        Assert.That(() => table.Take(Headers(second.Id), Peer), Throws.TypeOf<RpcException>());
        table.Take(Headers(first.Id), Peer).Dispose();
        used.Dispose();
    }

    [Test]
    public void Take_BySomebodyElse_AsksForHello()
    {
        var table = NewTable();
        var session = table.Open(Caller with { Peer = "nas" })!;
        Assert.That(() => table.Take(Headers(session.Id), Peer), Throws.TypeOf<RpcException>());
        var grants = new PeerGrants { MayDelete = false };
        using var lease = table.Take(Headers(session.Id), new Named("nas", grants));
        Assert.That(lease.Caller.Grants, Is.SameAs(grants), "as they stand at the call");
    }

    [Test]
    public void Open_ByAnOlderHolderOfALease_IsRefused_AndItsSessionEnds()
    {
        var table = NewTable();
        var old = table.Open(Caller with { LeaseEpoch = 4 })!;
        Assert.That(table.Open(Caller with { LeaseEpoch = 5 }), Is.Not.Null);
        Assert.That(table.Open(Caller with { LeaseEpoch = 4 }), Is.Null);
        Assert.That(() => table.Take(Headers(old.Id), Peer), Throws.TypeOf<RpcException>());
        Assert.That(table.Open(Caller with { LeaseEpoch = 5 }), Is.Not.Null, "the same holder again");
        Assert.That(table.Open(Caller with { Source = Guid.Empty, LeaseEpoch = 1 }), Is.Not.Null, "another source");
    }

    [Test]
    public void Open_ByOnePeer_TakesNoPlaceOfAnother()
    {
        var table = NewTable();
        var other = table.Open(Caller with { Peer = "nas" })!;
        for (var i = 0; i < 2000; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            table.Open(Caller);
        }

        table.Take(Headers(other.Id), new Named("nas", PeerGrants.Everything)).Dispose();
    }

    private sealed record Named(string PeerId, PeerGrants Grants) : IPeerFeature;

    private static Metadata Headers(byte[] id) => new() { { SyncLimits.SessionKey, id } };

    private SessionTable NewTable() => new(_time, () =>
    {
        var id = new byte[16];
        BitConverter.TryWriteBytes(id, ++_ids);
        return id;
    });
}
