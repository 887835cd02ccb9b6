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
    private readonly FakeTimeProvider _time = new();
    private int _ids;

    [Test]
    public void Take_KnownSession_GivesItsCaller()
    {
        var table = NewTable();
        var session = table.Open(Caller);
        using var lease = table.Take(Headers(session.Id), KnownPeer.Local);
        Assert.That(lease.Caller, Is.EqualTo(Caller));
    }

    [Test]
    public void Take_UnknownShortOrMissingSession_AsksForHello()
    {
        var table = NewTable();
        foreach (var headers in new[] { [], Headers(new byte[16]), Headers(new byte[3]) })
        {
            Assert.That(() => table.Take(headers, KnownPeer.Local), Throws.TypeOf<RpcException>().With.Matches<RpcException>(StatusMapping.IsHelloNeeded));
        }
    }

    [Test]
    public void Take_AfterTenIdleMinutes_AsksForHello_ButNotWhileInUse()
    {
        var table = NewTable();
        var session = table.Open(Caller);
        var lease = table.Take(Headers(session.Id), KnownPeer.Local);
        _time.Advance(TimeSpan.FromHours(1));
        table.Take(Headers(session.Id), KnownPeer.Local).Dispose();
        lease.Dispose();
        _time.Advance(TimeSpan.FromMinutes(9));
        table.Take(Headers(session.Id), KnownPeer.Local).Dispose();
        _time.Advance(TimeSpan.FromMinutes(11));
        Assert.That(() => table.Take(Headers(session.Id), KnownPeer.Local), Throws.TypeOf<RpcException>());
    }

    [Test]
    public void Open_MoreThanTheTableHolds_ForgetsTheOldestIdle()
    {
        var table = NewTable();
        var first = table.Open(Caller);
        var used = table.Take(Headers(first.Id), KnownPeer.Local);
        var second = table.Open(Caller);
        for (var i = 0; i < 1023; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            table.Open(Caller);
        }

        Assert.That(() => table.Take(Headers(second.Id), KnownPeer.Local), Throws.TypeOf<RpcException>());
        table.Take(Headers(first.Id), KnownPeer.Local).Dispose();
        used.Dispose();
    }

    [Test]
    public void Streams_OfOneSource_AreCountedOverItsSessions()
    {
        var table = NewTable();
        var first = table.Open(Caller);
        var second = table.Open(Caller with { Name = "renamed" });
        Assert.That(table.TryAddStream(first, 2), Is.True);
        Assert.That(table.TryAddStream(second, 2), Is.True);
        Assert.That(table.TryAddStream(first, 2), Is.False);
        table.RemoveStream(second);
        Assert.That(table.TryAddStream(first, 2), Is.True);
    }

    private static Metadata Headers(byte[] id) => new() { { SyncLimits.SessionKey, id } };

    private SessionTable NewTable() => new(_time, () =>
    {
        var id = new byte[16];
        BitConverter.TryWriteBytes(id, ++_ids);
        return id;
    });
}
