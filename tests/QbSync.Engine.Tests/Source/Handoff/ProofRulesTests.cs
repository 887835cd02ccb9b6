using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.Handoff;

[TestFixture]
internal sealed class ProofRulesTests
{
    private const ulong Incarnation = 7;
    private static readonly DateTimeOffset Asked = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Answered = Asked.AddSeconds(2);
    private static readonly TorrentManifest Manifest =
        new TorrentBuilder("set") { PieceLength = 16384 }.AddFile("a", 20000).AddFile("b", 30000).AddFile("c", 5000).Build().Manifest;

    private static ProofQuestion Question { get; } =
        new(Manifest.Id, [1, 2, 3], Manifest, Selection.All(Manifest).ToBytes(), Manifest.ContentLength, Asked, Incarnation);

    private static ClientView Client { get; } = new(ClientTorrentState.StalledUp, 1, 0, Answered);

    private static Proof Good { get; } = new()
    {
        Id = Manifest.Id,
        Nonce = new byte[] { 1, 2, 3 },
        ManifestDigest = Manifest.InfoDigest,
        ProvenFiles = Selection.All(Manifest).ToBytes(),
        SelectedBytes = Manifest.ContentLength,
        BytesReadBack = Manifest.ContentLength,
        From = Asked.AddDays(5),
        To = Asked.AddDays(5).AddSeconds(1),
        Client = Client,
        ProofId = new byte[] { 9 },
    };

    private static IEnumerable<TestCaseData> Broken()
    {
        yield return Case("another torrent", Good with { Id = SourceWorld.Torrent("other").Id });
        yield return Case("another nonce", Good with { Nonce = new byte[] { 1, 2, 4 } });
        yield return Case("no nonce", Good with { Nonce = default });
        yield return Case("another manifest", Good with { ManifestDigest = new byte[32] });
        yield return Case("no manifest", Good with { ManifestDigest = default });
        yield return Case("a file that was not read back", Good with { ProvenFiles = new byte[] { 0b1010_0000 } });
        yield return Case("no files", Good with { ProvenFiles = default });
        yield return Case("files of another length", Good with { ProvenFiles = new byte[] { 0xe0, 0 } });
        yield return Case("a spare bit", Good with { ProvenFiles = new byte[] { 0xf0 } });
        yield return Case("fewer bytes selected", Good with { SelectedBytes = Manifest.ContentLength - 1 });
        yield return Case("a byte not read back", Good with { BytesReadBack = Manifest.ContentLength - 1 });
        yield return Case("ended before it began", Good with { To = Good.From.AddSeconds(-1) });
        yield return Case("no name", Good with { ProofId = default });
        yield return Case("progress", Good with { Client = Client with { Progress = 0.999 } });
        yield return Case("progress that is no number", Good with { Client = Client with { Progress = double.NaN } });
        yield return Case("bytes left", Good with { Client = Client with { BytesLeft = 1 } });
        yield return Case("seen 11 s ago", Good with { Client = Client with { SeenAt = Answered.AddSeconds(-11) } });
        yield return Case("client unknown", Good with { Client = null! });
        foreach (var state in Enum.GetValues<ClientTorrentState>())
        {
            if (state is not (ClientTorrentState.Uploading or ClientTorrentState.StalledUp or ClientTorrentState.ForcedUp or ClientTorrentState.QueuedUp))
            {
                yield return Case($"state {state}", Good with { Client = Client with { State = state } });
            }
        }

        static TestCaseData Case(string name, Proof proof) => new TestCaseData(proof).SetArgDisplayNames(name);
    }

    private static IEnumerable<TestCaseData> BrokenQuestions()
    {
        yield return Case("no nonce", Question with { Nonce = [] });
        yield return Case("nothing selected here", Question with { Selection = new byte[1] });
        yield return Case("a selection that is not readable", Question with { Selection = [] });
        yield return Case("unknown bytes", Question with { SelectedBytes = -1 });
        yield return Case("incarnation unknown", Question with { Incarnation = null });
        yield return Case("asked 61 s ago", Question with { AskedAt = Answered.AddSeconds(-61) });
        yield return Case("asked later than answered", Question with { AskedAt = Answered.AddSeconds(1) });

        static TestCaseData Case(string name, ProofQuestion question) => new TestCaseData(question).SetArgDisplayNames(name);
    }

    [Test]
    [SourceCase(93)]
    public void Whole_IsGood() => Assert.That(Fault(Question, Good), Is.Null);

    [TestCaseSource(nameof(Broken))]
    [SourceCase(93)]
    public void OneLineBroken_IsRefused(Proof proof) => Assert.That(Fault(Question, proof), Is.Not.Null.And.Not.Empty);

    [TestCaseSource(nameof(BrokenQuestions))]
    [SourceCase(93)]
    public void SomethingUnknownHere_IsRefused(ProofQuestion question) => Assert.That(Fault(question, Good), Is.Not.Null.And.Not.Empty);

    [Test]
    [SourceCase(93)]
    public void UsedLater_IsRefused([Values(61, -1)] int seconds) =>
        Assert.That(ProofRules.FindFault(Question, Good, Answered, Incarnation, mustBeActive: true, Asked.AddSeconds(seconds)), Is.Not.Null);

    [Test]
    [SourceCase(93)]
    public void AnotherIncarnation_IsRefused([Values(null, 8ul)] ulong? incarnation) =>
        Assert.That(ProofRules.FindFault(Question, Good, Answered, incarnation, mustBeActive: true, Answered), Is.Not.Null);

    [Test]
    public void Stopped_IsGoodEnoughBeforeTheStart() => Assert.That(
        ProofRules.FindFault(
            Question, Good with { Client = Client with { State = ClientTorrentState.StoppedUp } }, Answered, Incarnation, mustBeActive: false, Answered), Is.Null);

    [Test]
    public void FewerFilesSelectedHere_AreProvenByMore()
    {
        var question = Question with { Selection = Selection.Of(Manifest, static file => file.Index == 1).ToBytes(), SelectedBytes = 30000 };

        Assert.That(Fault(question, Good), Is.Null);
    }

    private static string? Fault(ProofQuestion question, Proof proof) =>
        ProofRules.FindFault(question, proof, Answered, Incarnation, mustBeActive: true, Answered)?.Text;
}
