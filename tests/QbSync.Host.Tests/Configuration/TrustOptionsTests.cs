using QbSync.Host.Configuration;
using QbSync.Transport;

namespace QbSync.Host.Tests.Configuration;

/// <summary>Who is trusted, as options say it: paired unless said otherwise, and nothing in the clear beyond this machine by accident.</summary>
internal sealed class TrustOptionsTests
{
    private TempDirectory _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TempDirectory();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void Defaults_ArePairedAndListenEverywhere()
    {
        var destination = Read(Roles.Destination, [], [], out var errors);
        Assert.That(errors, Is.Empty);
        Assert.That(destination!.Values.Address("listen"), Is.EqualTo(new HostPort("", 50051)));
        Assert.Multiple(() =>
        {
            Assert.That(destination.Security.Mode, Is.EqualTo(SecurityMode.Paired));
            Assert.That(destination.Security.AllowInsecure, Is.False);
            Assert.That(destination.Security.IdentityFile, Is.EqualTo(_folder[".qbsync", "identity.pem"]));
            Assert.That(destination.Security.PeersFile, Is.EqualTo(_folder[".qbsync", "peers.json"]));
        });
        Assert.That(Directory.EnumerateFileSystemEntries(_folder.Path), Is.Empty, "reading options creates nothing");
    }

    [TestCase("listen=:50051", false)]
    [TestCase("listen=192.168.1.2:50051", false)]
    [TestCase("listen=10.0.0.1:50051", false)]
    [TestCase("listen=0.0.0.0:50051", false)]
    [TestCase("listen=[::]:50051", false)]
    [TestCase("listen=127.0.0.1:50051", true)]
    [TestCase("listen=[::1]:50051", true)]
    [TestCase("listen=localhost:50051", true)]
    public void Insecure_NotLoopback_RefusesStart(string listen, bool starts)
    {
        Read(Roles.Destination, ["security=insecure", listen], [], out var errors);
        Assert.That(errors, starts ? Is.Empty : Has.One.StartsWith("--listen (from flag): anybody could connect, and security=insecure is for loopback only"));

        Read(Roles.Destination, ["security=insecure", listen, "insecure=true"], [], out errors);
        Assert.That(errors, Is.Empty);
    }

    [Test]
    public void Insecure_WithTheDefaultAddress_RefusesStart()
    {
        Read(Roles.Destination, ["security=insecure"], [], out var errors);
        Assert.That(errors, Has.One.StartsWith("--listen (from default)"));
    }

    [TestCase("nas:50051", false)]
    [TestCase("192.168.0.9:50051", false)]
    [TestCase("127.0.0.1:50051", true)]
    public void Insecure_DialingBeyondLoopback_RefusesStart(string address, bool starts)
    {
        Read(Roles.Source, ["security=insecure", $"destination-addr={address}"], [], out var errors);
        Assert.That(errors, starts ? Is.Empty : Has.One.StartsWith("--destination-addr (from flag)"));
        Read(Roles.Source, ["security=insecure", "insecure=true", $"destination-addr={address}"], [], out errors);
        Assert.That(errors, Is.Empty);
    }

    [Test]
    public void InsecureFlag_DoesNotChangeTheMode()
    {
        var settings = Read(Roles.Destination, ["insecure=true"], [], out var errors);
        Assert.That(errors, Is.Empty);
        Assert.That(settings!.Security.Mode, Is.EqualTo(SecurityMode.Paired));
    }

    [Test]
    public void Authority_WithoutItsFiles_NamesEveryOne()
    {
        Read(Roles.Destination, ["security=ca"], [], out var errors);
        Assert.That(errors, Has.Count.EqualTo(4));
        foreach (var name in (string[])["tls-cert-file", "tls-key-file", "tls-ca-file", "allowed-peers"])
        {
            Assert.That(errors, Has.One.StartsWith($"--{name} (from default): "));
        }

        Read(Roles.Source, ["security=ca", "tls-cert-file=/c", "tls-key-file=/k", "tls-ca-file=/a", "allowed-peers=nas.lan;spiffe://home/nas"], [], out errors);
        Assert.That(errors, Is.Empty);
    }

    [TestCase("0123456789abcdef0123456789abcde", false)]
    [TestCase("0123456789abcdef0123456789abcdef", true)]
    public void Token_BelowThirtyTwoBytes_IsRefusedAndNeverShown(string token, bool isGood)
    {
        var file = _folder["token"];
        File.WriteAllText(file, token + "\n");
        var settings = Read(
            Roles.Destination, ["security=token", "tls-cert-file=/c", "tls-key-file=/k", $"peer-token-file={file}"], [], out var errors);
        Assert.That(errors, isGood ? Is.Empty : Has.One.StartsWith("--peer-token (from --peer-token-file): "));
        Assert.That(string.Join(' ', errors), Does.Not.Contain(token));
        if (isGood)
        {
            Assert.That(settings!.Security.PeerToken, Is.EqualTo(token));
            Assert.That(settings.Values.All.Single(value => value.Definition.Name == "peer-token").ToString(), Does.Not.Contain(token));
        }
    }

    [Test]
    public void Token_GivenTwiceAtOneLevel_IsRefused()
    {
        var file = _folder["token"];
        File.WriteAllText(file, new string('t', 40));
        Read(Roles.Source, ["security=token", "peer-token=" + new string('t', 40), $"peer-token-file={file}"], [], out var errors);
        Assert.That(errors, Has.One.StartsWith("--peer-token (from flag): given more than once"));
    }

    [Test]
    public void TrustSettings_OfARole_AreThoseThatTheRoleReads()
    {
        var environment = new Dictionary<string, string> { ["QBSYNC_DESTINATION_DATA"] = _folder.Path, ["QBSYNC_DESTINATION_PEERS_FILE"] = "/etc/qbsync/peers.json" };
        var role = RoleSettings.Read(Roles.Destination, new Dictionary<string, IReadOnlyList<string>>(), environment, out _)!;
        var errors = new OptionErrors();
        var trust = TrustSettings.Read(Roles.Destination, new OptionSources(new Dictionary<string, IReadOnlyList<string>>(), environment), errors)!;
        Assert.That(errors.All, Is.Empty);
        Assert.That(
            (trust.StateDirectory, trust.Security.IdentityFile, trust.Security.PeersFile, trust.Security.PairingFile),
            Is.EqualTo((role.StateDirectory, role.Security.IdentityFile, role.Security.PeersFile, role.Security.PairingFile)));
        Assert.That(role.Security.PeersFile, Is.EqualTo("/etc/qbsync/peers.json"));
    }

    [Test]
    public void TrustSettings_OfADestinationThatIsNotKnown_SayWhatToGive()
    {
        var errors = new OptionErrors();
        Assert.That(TrustSettings.Read(Roles.Destination, new OptionSources(new Dictionary<string, IReadOnlyList<string>>(), new Dictionary<string, string>()), errors), Is.Null);
        Assert.That(errors.All, Has.One.Contains("--data"));
    }

    private RoleSettings? Read(Roles role, string[] flags, Dictionary<string, string> environment, out IReadOnlyList<string> errors)
    {
        string[] basics = role == Roles.Source ? [$"data={_folder.Path}", "client=folder"] : [$"data={_folder.Path}"];
        var all = basics.Concat(flags).Select(flag => flag.Split('=', 2)).ToDictionary(pair => pair[0], IReadOnlyList<string> (pair) => [pair[1]]);
        if (role == Roles.Source)
        {
            all.TryAdd("destination-addr", ["127.0.0.1:1"]);
        }

        return RoleSettings.Read(role, all, environment, out errors);
    }
}
