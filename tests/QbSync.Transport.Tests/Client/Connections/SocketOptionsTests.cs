using System.Net;
using System.Net.Sockets;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;
using QbSync.Transport.Client.Connections;

namespace QbSync.Transport.Tests.Client.Connections;

internal sealed class SocketOptionsTests
{
    private LogErrorGuard _log = null!;
    private Socket _socket = null!;
    private Socket _other = null!;

    [SetUp]
    public void Begin()
    {
        _log = new LogErrorGuard();
        using var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
        listener.Listen();
        _socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        _socket.Connect(listener.LocalEndPoint!);
        _other = listener.Accept();
    }

    [TearDown]
    public void End()
    {
        _socket.Dispose();
        _other.Dispose();
        _log.Verify();
        _log.Dispose();
    }

    [TestCase("cubic", 0.05, true, null)]
    [TestCase("cubic", 5, true, null)]
    [TestCase("cubic", 19, true, null)]
    [TestCase("cubic", 20, true, null)]
    [TestCase("cubic", 21, true, "bbr")]
    [TestCase("cubic", 21, false, null)]
    [TestCase("bbr", 21, false, null)]
    [TestCase("reno", 20, false, null)]
    [TestCase("reno", 21, false, "cubic")]
    [TestCase("reno", 21, true, "bbr")]
    [TransportCase(32)]
    public void Choose_Auto_TakesWhatALongWayNeeds(string kept, double milliseconds, bool isLossy, string? algorithm) =>
        Assert.That(SocketOptions.ChooseCongestion("auto", kept, TimeSpan.FromMilliseconds(milliseconds), isLossy), Is.EqualTo(algorithm));

    [Test]
    [TransportCase(32)]
    public void Choose_RoundTripNotKnown_LeavesTheSystems() => Assert.That(SocketOptions.ChooseCongestion("auto", "reno", null, true), Is.Null, "as off Linux");

    [TestCase("system", null)]
    [TestCase("cubic", "cubic")]
    public void Choose_TheUsersWord_Counts(string option, string? algorithm) =>
        Assert.That(SocketOptions.ChooseCongestion(option, "reno", TimeSpan.FromMilliseconds(300), true), Is.EqualTo(algorithm));

    [TestCase("auto")]
    [TestCase("system")]
    [TransportCase(32)]
    public void Apply_Loopback_KeepsTheSystemsAlgorithm(string option)
    {
        var before = SocketOptions.ReadCongestion(_socket);

        Make(option).Apply(_socket);

        Assert.That(_socket.NoDelay, Is.True);
        Assert.That(SocketOptions.ReadCongestion(_socket), Is.EqualTo(before));
        Assert.That(_log.Entries, Is.Empty);
    }

    [Test]
    [Platform("Linux")]
    public void Apply_NameThatEverySystemHas_IsSetAndReadBack()
    {
        Make("reno").Apply(_socket);

        Assert.That(SocketOptions.ReadCongestion(_socket), Is.EqualTo("reno"));
    }

    [Test]
    [Platform("Linux")]
    [TransportCase(32)]
    public void Apply_UnknownName_KeepsTheSystemsAndSaysSoOnce()
    {
        var before = SocketOptions.ReadCongestion(_socket);
        var options = Make("no_such_one");
        _log.Expect(TransportEventIds.CongestionRefused);

        options.Apply(_socket);
        options.Apply(_other);

        Assert.That(SocketOptions.ReadCongestion(_socket), Is.EqualTo(before));
        Assert.That(_log.Entries.Count(entry => entry.Id.Id == TransportEventIds.CongestionRefused), Is.EqualTo(1));
    }

    [Test]
    public void Apply_ClosedSocket_DoesNothing()
    {
        _socket.Dispose();

        Assert.That(() => Make("reno").Apply(_socket), Throws.Nothing);
        Assert.That((SocketOptions.Read(_socket), SocketOptions.ReadCongestion(_socket)), Is.EqualTo(((TcpInfo?)null, (string?)null)));
    }

    [Test]
    [Platform("Linux")]
    public void Read_OpenSocket_CountsWhatThePeerAcknowledged()
    {
        _socket.Send(new byte[10_000]);
        for (var left = 10_000; left > 0; left -= _other.Receive(new byte[left]))
        {
            // All of it has arrived then, and was acknowledged or is with the next segment.
        }

        var info = SocketOptions.Read(_socket)!.Value;

        Assert.That(info.RoundTrip, Is.GreaterThan(TimeSpan.Zero));
        Assert.That(info.Acknowledged, Is.InRange(0, 10_001));
    }

    [Test]
    [Platform("Linux")]
    public void SetSendBuffer_Size_IsInForce()
    {
        Make("auto").SetSendBuffer(_socket, 50_000);

        Assert.That(_socket.SendBufferSize, Is.InRange(50_000, 200_000));
    }

    private SocketOptions Make(string congestion) => new(congestion, _log.CreateLogger("test"));
}
