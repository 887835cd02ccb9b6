using QbSync.Host.Commands.Pairing;
using QbSync.Host.Configuration;
using QbSync.Transport.Security;

namespace QbSync.Host.Tests.Commands.Pairing;

/// <summary>Peers changed by hand, and what the exit code says of it.</summary>
internal sealed class PeerEditsTests
{
    private readonly StringWriter _output = new();
    private readonly StringWriter _errors = new();
    private TempDirectory _folder = null!;
    private PeerStore _peers = null!;
    private PeerEdits _edits = null!;

    [SetUp]
    public void SetUp()
    {
        _folder = new TempDirectory();
        _peers = PeerStore.Open(_folder["peers.json"], TimeProvider.System);
        _edits = new PeerEdits(_peers, _output, _errors, TimeProvider.System);
    }

    [TearDown]
    public void TearDown()
    {
        _peers.Dispose();
        _folder.Dispose();
    }

    [Test]
    public async Task Peer_AddedGrantedAndRemoved_IsThatInTheFile()
    {
        var id = NewId("one");
        Assert.That(await _edits.AddAsync(id.ToString().ToLowerInvariant().Replace("-", " "), "seedbox", "nas:50051", CancellationToken.None), Is.Zero);
        Assert.That(await _edits.GrantAsync("SeedBox", ["quota=1GiB", "may-delete=false"], CancellationToken.None), Is.Zero);
        Assert.That(_edits.List(asJson: false), Is.Zero);
        Assert.That(_output.ToString(), Does.Contain(id.ToString()).And.Contain("quota=1073741824B may-delete=false").And.Contain("nas:50051"));

        using (var other = PeerStore.Open(_folder["peers.json"], TimeProvider.System))
        {
            Assert.That(other.Find(id)?.Grants.Quota, Is.EqualTo(1 << 30));
        }

        // Added again it keeps what it may do.
        Assert.That(await _edits.AddAsync(id.ToString(), null, null, CancellationToken.None), Is.Zero);
        Assert.That((_peers.Find(id)?.Name, _peers.Find(id)?.Grants.MayDelete), Is.EqualTo(("seedbox", (bool?)false)));

        Assert.That(await _edits.RemoveAsync(id.ToString(), CancellationToken.None), Is.Zero);
        Assert.That(_peers.Peers, Is.Empty);
        Assert.That(await _edits.RemoveAsync(id.ToString(), CancellationToken.None), Is.EqualTo(4));
    }

    [Test]
    public async Task Peer_NotKnownOrNotOnlyOne_IsAnAnswerOfFour()
    {
        Assert.That(await _edits.RemoveAsync("nobody", CancellationToken.None), Is.EqualTo(4));
        Assert.That(await _edits.GrantAsync("nobody", ["quota=1"], CancellationToken.None), Is.EqualTo(4));
        var (first, second) = (NewId("first"), NewId("second"));
        await _edits.AddAsync(first.ToString(), "box", null, CancellationToken.None);
        await _edits.AddAsync(second.ToString(), "box", null, CancellationToken.None);
        Assert.That(await _edits.RemoveAsync("box", CancellationToken.None), Is.EqualTo(4));
        Assert.That(_errors.ToString(), Does.Contain(first.ToString()).And.Contain(second.ToString()));
        Assert.That(_peers.Peers, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Id_WithAMistypedCharacter_IsRefused()
    {
        var text = NewId("one").ToString();
        var wrong = (text[0] == 'A' ? 'B' : 'A') + text[1..];
        Assert.That(await _edits.AddAsync(wrong, null, null, CancellationToken.None), Is.EqualTo(2));
        Assert.That(_peers.Peers, Is.Empty);
        Assert.That(await _edits.GrantAsync("nobody", [], CancellationToken.None), Is.EqualTo(4));
    }

    [Test]
    public async Task File_ThatDoesNotParse_IsNeitherShownNorOverwritten()
    {
        File.WriteAllText(_folder["broken.json"], "{ \"version\": 1, \"peers\": [ { \"may-fly\": true } ] }");
        using var broken = PeerStore.Open(_folder["broken.json"], TimeProvider.System);
        var edits = new PeerEdits(broken, _output, _errors, TimeProvider.System);
        Assert.That(() => edits.List(asJson: true), Throws.InstanceOf<TrustException>());
        Assert.That(async () => await edits.RemoveAsync("x", CancellationToken.None), Throws.InstanceOf<TrustException>());
        Assert.That(async () => await edits.AddAsync(NewId("one").ToString(), null, null, CancellationToken.None), Throws.InstanceOf<TrustException>());
        Assert.That(await File.ReadAllTextAsync(_folder["broken.json"]), Does.Contain("may-fly"));
    }

    [Test]
    public void Role_IsTheOneThatOptionsOrVariablesSpeakOf()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Find(["data"]), Is.EqualTo(Roles.Destination));
            Assert.That(Find(["destination-addr"]), Is.EqualTo(Roles.Source));
            Assert.That(Find([], "QBSYNC_DESTINATION_DATA"), Is.EqualTo(Roles.Destination));
            Assert.That(Find([], "QBSYNC_SOURCE_DATA"), Is.EqualTo(Roles.Source));
            Assert.That(Find(["state-dir"]), Is.EqualTo(Roles.Destination));
            Assert.That(Find([], "QBSYNC_SOURCE_DATA", "QBSYNC_DESTINATION_DATA"), Is.Null);
            Assert.That(Find([]), Is.Null);
        });

        Roles? Find(string[] flags, params string[] variables)
        {
            var environment = variables.ToDictionary(static name => name, _ => _folder.Path);
            environment["XDG_STATE_HOME"] = _folder.Path;
            return TrustRole.Find(new OptionSources(flags.ToDictionary(static name => name, IReadOnlyList<string> (_) => [_folder.Path]), environment));
        }
    }

    private NodeId NewId(string name)
    {
        using var identity = NodeIdentity.LoadOrCreate(_folder[name, "identity.pem"], TimeProvider.System);
        return identity.Id;
    }
}
