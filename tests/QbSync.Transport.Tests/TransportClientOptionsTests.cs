namespace QbSync.Transport.Tests;

internal sealed class TransportClientOptionsTests
{
    [TestCase("nas:4711", "nas", 4711)]
    [TestCase("10.0.0.2:1", "10.0.0.2", 1)]
    [TestCase("[::1]:65535", "::1", 65535)]
    [TestCase("nas.example.org:4711", "nas.example.org", 4711)]
    public void Address_HostAndPort_IsTaken(string text, string host, int port)
    {
        var options = new TransportClientOptions { Address = text, Security = { IdentityFile = "identity", PeersFile = "peers" } };

        Assert.That(options.TryGetAddress(out var address), Is.True);
        Assert.That((address.Host, address.Port), Is.EqualTo((host, port)));
        Assert.That(options.Validate(), Is.Empty);
    }

    [TestCase("")]
    [TestCase("nas")]
    [TestCase("nas:")]
    [TestCase(":4711")]
    [TestCase("nas:0")]
    [TestCase("nas:65536")]
    [TestCase("nas:+1")]
    [TestCase("::1:4711")]
    [TestCase("[nas]:4711")]
    [TestCase("a b:1")]
    [TestCase("http://nas:4711")]
    public void Address_AnythingElse_IsNamed(string text) =>
        Assert.That(new TransportClientOptions { Address = text }.Validate(), Has.One.StartsWith("destination-addr: "));

    [Test]
    public void Validate_SeveralWrongValues_NamesAllAtOnce()
    {
        var options = new TransportClientOptions
        {
            Address = "nas:1",
            MinConnections = 9,
            PieceTimeout = TimeSpan.Zero,
            RateLimit = 1,
            Congestion = new CongestionOptions { Factor = 0 },
            Security = { Mode = SecurityMode.Insecure, AllowInsecure = true },
        };

        Assert.That(options.Validate(), Has.Count.EqualTo(4));
    }

    [TestCase("127.0.0.1:1", true)]
    [TestCase("[::1]:1", true)]
    [TestCase("localhost:1", true)]
    [TestCase("192.168.0.4:1", false)]
    [TestCase("10.0.0.1:1", false)]
    [TestCase("nas:1", false)]
    public void Insecure_NotLoopback_IsRefused(string address, bool isAllowed)
    {
        var options = new TransportClientOptions { Address = address, Security = { Mode = SecurityMode.Insecure } };

        Assert.That(options.Validate(), isAllowed ? Is.Empty : Has.One.StartsWith("security: "));
        options.Security.AllowInsecure = true;
        Assert.That(options.Validate(), Is.Empty);
    }
}
