using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;
using QbSync.Ports;
using QbSync.Testing.Machine;
using QbSync.Testing.Waiting;
using QbSync.Transport.Security;

namespace QbSync.Transport.Tests.Security;

/// <summary>Identity, peers and codes as files: who may read them, what a broken one means, two processes at a time.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
internal sealed class TrustFilesTests
{
    private TempDirectory _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TempDirectory();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void Identity_MadeOnce_IsTheSameAfterwardsAndItsOwnersAlone()
    {
        var path = _folder["state", "identity.pem"];
        using var made = NodeIdentity.LoadOrCreate(path, TimeProvider.System);
        using var again = NodeIdentity.LoadOrCreate(path, TimeProvider.System);

        Assert.That(again.Id, Is.EqualTo(made.Id));
        Assert.That(made.Certificate.NotAfter, Is.EqualTo(DateTime.Now.AddYears(20)).Within(TimeSpan.FromDays(1)));
        Assert.That(Certificates.IsP256(made.Certificate), Is.True);
        Assert.That(File.GetUnixFileMode(path), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That(Directory.GetFiles(_folder["state"]), Has.Length.EqualTo(1), "nothing temporary is left");
    }

    [TestCase(UnixFileMode.GroupRead)]
    [TestCase(UnixFileMode.OtherRead)]
    [TestCase(UnixFileMode.GroupWrite)]
    public void Identity_OpenToOthers_IsRefused(UnixFileMode mode)
    {
        var path = _folder["identity.pem"];
        NodeIdentity.LoadOrCreate(path, TimeProvider.System).Dispose();
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | mode);

        var error = Assert.Catch<TrustException>(() => NodeIdentity.LoadOrCreate(path, TimeProvider.System))!;

        Assert.That((error.Fault, error.Path), Is.EqualTo((TrustFault.OpenToOthers, path)));
        Assert.That(error.Message, Does.Contain("chmod 600"));
    }

    [TestCase("")]
    [TestCase("no key")]
    [TestCase("rsa")]
    [TestCase("half")]
    public void Identity_ThatIsNone_IsRefusedAndNotReplaced(string kind)
    {
        var path = _folder["identity.pem"];
        NodeIdentity.LoadOrCreate(path, TimeProvider.System).Dispose();
        var content = kind switch
        {
            "rsa" => Rsa(),
            "half" => File.ReadAllText(path)[..200],
            _ => kind,
        };
        File.WriteAllText(path, content);

        Assert.That(Assert.Catch<TrustException>(() => NodeIdentity.LoadOrCreate(path, TimeProvider.System))!.Fault, Is.EqualTo(TrustFault.Malformed));
        Assert.That(File.ReadAllText(path), Is.EqualTo(content));

        static string Rsa()
        {
            using var certificate = SecureNode.NewRsa();
            using var key = System.Security.Cryptography.X509Certificates.RSACertificateExtensions.GetRSAPrivateKey(certificate)!;
            return $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}";
        }
    }

    [Test]
    public async Task Identity_MadeByManyAtATime_IsOne()
    {
        var path = _folder["identity.pem"];
        var ids = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            using var identity = NodeIdentity.LoadOrCreate(path, TimeProvider.System);
            return identity.Id;
        }))).DefaultTimeout();

        Assert.That(ids.Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task Peers_WrittenByOneProcess_AreInForceInAnother()
    {
        using var ours = PeerStore.Open(_folder["peers.json"], TimeProvider.System);
        using var theirs = PeerStore.Open(_folder["peers.json"], TimeProvider.System);
        var changes = 0;
        theirs.Changed += () => Interlocked.Increment(ref changes);
        var peer = NewPeer("nas") with { Address = "nas:50051", Grants = new PeerGrants { Roots = ["a"], Categories = [], Quota = 7, Rate = 9, MayStart = false, MayDelete = false } };

        await ours.AddAsync(peer, CancellationToken.None).DefaultTimeout();
        await Eventually.BecomesTrueAsync(() => theirs.Find(peer.Id) is not null);

        var read = theirs.Find(peer.Id)!;
        Assert.That(read with { Grants = peer.Grants }, Is.EqualTo(peer));
        Assert.That((read.Grants.Quota, read.Grants.Rate, read.Grants.MayStart, read.Grants.MayDelete), Is.EqualTo(((long?)7, (long?)9, false, false)));
        Assert.That(read.Grants.Roots, Is.EqualTo(new[] { "a" }));
        Assert.That(read.Grants.Categories, Is.Empty);

        // They are in force a moment before it is told.
        await Eventually.BecomesTrueAsync(() => Volatile.Read(ref changes) > 0);
        Assert.That(changes, Is.EqualTo(1));
        Assert.That(File.GetUnixFileMode(_folder["peers.json"]), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));

        Assert.That(await theirs.RemoveAsync(peer.Id, CancellationToken.None).DefaultTimeout(), Is.True);
        Assert.That(await theirs.RemoveAsync(peer.Id, CancellationToken.None).DefaultTimeout(), Is.False);
        await Eventually.BecomesTrueAsync(() => ours.Find(peer.Id) is null);
    }

    [Test]
    public async Task Peers_AddedByManyAtATime_AreAllThere()
    {
        var stores = Enumerable.Range(0, 4).Select(_ => PeerStore.Open(_folder["peers.json"], TimeProvider.System)).ToList();
        var peers = Enumerable.Range(0, 24).Select(number => NewPeer($"p{number}")).ToList();

        await Task.WhenAll(peers.Select((peer, number) => stores[number % 4].AddAsync(peer, CancellationToken.None))).DefaultTimeout();

        await stores[0].RefreshAsync(CancellationToken.None);
        Assert.That(stores[0].Peers.Select(peer => peer.Name), Is.EquivalentTo(peers.Select(peer => peer.Name)));
        stores.ForEach(static store => store.Dispose());
    }

    [Test]
    public async Task Peers_AddressOfANewOne_IsTakenFromTheOldOne()
    {
        using var store = PeerStore.Open(_folder["peers.json"], TimeProvider.System);
        var (old, made) = (NewPeer("old") with { Address = "NAS:1" }, NewPeer("new") with { Address = "nas:1" });
        await store.AddAsync(old, CancellationToken.None).DefaultTimeout();
        await store.AddAsync(made, CancellationToken.None).DefaultTimeout();

        Assert.That(store.Peers.Select(peer => (peer.Name, peer.Address)), Is.EqualTo(new[] { ("old", null), ("new", "nas:1") }));
    }

    /// <summary>Reliability F 10: whatever is not understood must not allow more than what was meant.</summary>
    [TestCase("")]
    [TestCase("null")]
    [TestCase("[]")]
    [TestCase("{\"version\": 1}")]
    [TestCase("{\"version\": 2, \"peers\": [PEER]}")]
    [TestCase("{\"version\": 1, \"peers\": [PEER, PEER]}")]
    [TestCase("{\"version\": 1, \"peers\": [PEER], \"more\": 1}")]
    [TestCase("{\"version\": 1, \"peers\": [{\"id\": ID, \"may-shout\": false}]}")]
    [TestCase("{\"version\": 1, \"peers\": [{\"id\": ID, \"quota\": -1}]}")]
    [TestCase("{\"version\": 1, \"peers\": [{\"id\": ID, \"quota\": \"7\"}]}")]
    [TestCase("{\"version\": 1, \"peers\": [{\"id\": ID, \"may-delete\": null}]}")]
    [TestCase("{\"version\": 1, \"peers\": [{\"id\": ID, \"quota\": 1, \"quota\": 2}]}")]
    [TestCase("{\"version\": 1, \"peers\": [{\"id\": \"AAAA\"}]}")]
    [TestCase("{\"version\": 1, \"peers\": [{}]}")]
    [TestCase("{\"version\": 1, \"peers\": [PEER]")]
    public async Task Grant_FileDoesNotParse_FailsClosed(string content)
    {
        using var store = PeerStore.Open(_folder["peers.json"], TimeProvider.System);
        var peer = NewPeer("nas");
        await store.AddAsync(peer, CancellationToken.None).DefaultTimeout();
        var id = $"\"{peer.Id}\"";
        content = content.Replace("PEER", "{\"id\": ID}", StringComparison.Ordinal).Replace("ID", id, StringComparison.Ordinal);
        await File.WriteAllTextAsync(_folder["peers.json"], content);
        await store.RefreshAsync(CancellationToken.None).DefaultTimeout();

        Assert.That(store.Find(peer.Id), Is.Null);
        Assert.That(store.Peers, Is.Empty);
        Assert.That(store.Fault?.Fault, Is.EqualTo(TrustFault.Malformed));
        Assert.That(Assert.CatchAsync<TrustException>(() => store.AddAsync(NewPeer("other"), CancellationToken.None))!.Fault, Is.EqualTo(TrustFault.Malformed));
        Assert.That(() => PairingWindow.Open(new SecurityOptions { PeersFile = _folder["peers.json"] }, store, "x", TimeProvider.System), Throws.TypeOf<TrustException>());
        Assert.That(await File.ReadAllTextAsync(_folder["peers.json"]), Is.EqualTo(content), "it is not repaired by losing it");

        File.Delete(_folder["peers.json"]);
        await store.AddAsync(peer, CancellationToken.None).DefaultTimeout();
        Assert.That((store.Find(peer.Id)?.Id, store.Fault), Is.EqualTo((peer.Id, (TrustException?)null)));
    }

    [Test]
    public async Task Peers_FileThatOthersMayWrite_TrustsNobodyAndOneThatIsMountedReadOnlyServes()
    {
        using var store = PeerStore.Open(_folder["peers.json"], TimeProvider.System);
        var peer = NewPeer("nas");
        await store.AddAsync(peer, CancellationToken.None).DefaultTimeout();
        File.SetUnixFileMode(_folder["peers.json"], UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        await store.RefreshAsync(CancellationToken.None).DefaultTimeout();
        Assert.That(store.Find(peer.Id), Is.Not.Null);

        File.SetUnixFileMode(_folder["peers.json"], UnixFileMode.UserRead | UnixFileMode.GroupWrite);
        await store.RefreshAsync(CancellationToken.None).DefaultTimeout();
        Assert.That((store.Find(peer.Id), store.Fault?.Fault), Is.EqualTo(((Peer?)null, (TrustFault?)TrustFault.OpenToOthers)));
    }

    /// <summary>Reliability F 6.</summary>
    [Test]
    public void Pair_CodeTwiceOrLate_Fails()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60));
        var file = new PairingFile(_folder["pairing.json"], time);
        var key = RandomNumberGenerator.GetBytes(PairingFile.KeyBytes);
        var open = file.Open(key, "nas");
        Assert.That(File.GetUnixFileMode(_folder["pairing.json"]), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That((file.Read()?.Name, file.Read()?.Tries), Is.EqualTo(("nas", 0)));

        time.Advance(PairingFile.OpenTime - TimeSpan.FromSeconds(1));
        Assert.That(file.Read(), Is.Not.Null);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(file.Read(), Is.Null, "late");

        open = file.Open(key, "nas");
        file.Close(open);
        Assert.That(file.Read(), Is.Null, "used");

        open = file.Open(key, "nas");
        for (var tries = 0; tries < PairingFile.MostTries; tries++)
        {
            Assert.That(file.Read()?.Tries, Is.EqualTo(tries));
            file.CountTry(file.Read()!);
        }

        Assert.That(file.Read(), Is.Null, "five wrong tries");
    }

    [Test]
    public void Code_TriedWhileAnotherIsOpened_LeavesTheOtherAsItIs()
    {
        var file = new PairingFile(_folder["pairing.json"], new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60)));
        var tried = file.Open(RandomNumberGenerator.GetBytes(PairingFile.KeyBytes), "nas");
        var other = file.Open(RandomNumberGenerator.GetBytes(PairingFile.KeyBytes), "nas");

        file.CountTry(tried);

        Assert.That(file.Read()!.Key, Is.EqualTo(other.Key));
        Assert.That(file.Read()!.Tries, Is.Zero);
    }

    [Test]
    public void Code_ClockSetBackOrFileOpenToOthers_IsNotOpen()
    {
        var now = DateTimeOffset.UnixEpoch.AddYears(60);
        var file = new PairingFile(_folder["pairing.json"], new FakeTimeProvider(now));
        var open = file.Open(RandomNumberGenerator.GetBytes(PairingFile.KeyBytes), "nas");

        Assert.That(new PairingFile(_folder["pairing.json"], new FakeTimeProvider(now.AddHours(-1))).Read(), Is.Null);
        File.SetUnixFileMode(_folder["pairing.json"], UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.That(file.Read(), Is.Null);

        var second = file.Open(RandomNumberGenerator.GetBytes(PairingFile.KeyBytes), "nas");
        file.Close(open);
        Assert.That(file.Read()?.Key, Is.EqualTo(second.Key), "a newer code is another one");
    }

    [Test]
    public void Options_EachMode_NamesAllThatIsMissing()
    {
        Assert.That(new SecurityOptions().Validate(listens: true), Has.Count.EqualTo(2));
        Assert.That(new SecurityOptions { Mode = SecurityMode.CertificateAuthority }.Validate(listens: true), Has.Count.EqualTo(4));
        Assert.That(new SecurityOptions { Mode = SecurityMode.Token, PeerToken = "short" }.Validate(listens: true), Has.Count.EqualTo(3));
        Assert.That(new SecurityOptions { Mode = SecurityMode.Token, PeerToken = new string('x', 32) }.Validate(listens: false), Is.Empty);
        Assert.That(new SecurityOptions { Mode = SecurityMode.Token, PeerToken = new string('x', 32) + "\n" }.Validate(listens: false), Has.Count.EqualTo(1));
        Assert.That(new SecurityOptions { Mode = SecurityMode.Insecure }.Validate(listens: true), Is.Empty);
    }

    private static Peer NewPeer(string name) =>
        new(NodeId.Read(RandomNumberGenerator.GetBytes(NodeId.Bytes)), name) { AddedAt = DateTimeOffset.UnixEpoch.AddYears(50) };
}
