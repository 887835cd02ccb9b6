using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Handoff;

/// <summary>What a proof is asked for.</summary>
/// <param name="Id">The torrent.</param>
/// <param name="Nonce">New for each call.</param>
/// <param name="Manifest">The manifest as it is here.</param>
/// <param name="Selection">What is selected here now, packed.</param>
/// <param name="SelectedBytes">Bytes of that.</param>
/// <param name="AskedAt">When it was asked for.</param>
/// <param name="Incarnation">The destination's incarnation when it was asked; null when it was not known.</param>
internal sealed record ProofQuestion(
    InfoHash Id, byte[] Nonce, TorrentManifest Manifest, byte[] Selection, long SelectedBytes, DateTimeOffset AskedAt, ulong? Incarnation);

/// <summary>
/// Whether a proof is good enough to delete the source's data for: facts in, the first reason against it out. Anything that is not known is a reason. Pure.
/// </summary>
internal static class ProofRules
{
    /// <summary>A proof is no older than this when something is deleted for it.</summary>
    public static readonly TimeSpan GoodFor = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan SeenWithin = TimeSpan.FromSeconds(10);

    /// <summary>Which torrent and which content the proof is of.</summary>
    private static readonly ProofRule<ProofFacts>[] OfContent =
    [
        new("the proof is of this torrent", static facts => facts.Proof.Id != facts.Question.Id ? "the proof is of another torrent" : null),
        new("the proof answers the question of now", static facts =>
            facts.Question.Nonce.Length == 0 || !facts.Proof.Nonce.Span.SequenceEqual(facts.Question.Nonce) ? "the proof answers another question" : null),
        new("the proof is of this .torrent", static facts =>
            facts.Proof.ManifestDigest.IsEmpty || !facts.Proof.ManifestDigest.Span.SequenceEqual(facts.Question.Manifest.InfoDigest.Span)
                ? "the proof is of another .torrent" : null),
        new("the proof has a name", static facts => facts.Proof.ProofId.IsEmpty ? "the proof has no name" : null),
        new("what is selected here is known", static facts => HereOf(facts) is null ? "what is selected here is not known" : null),
        new("the proof tells its files", static facts => ThereOf(facts) is null ? "the proof does not tell the files that it is of" : null),
        new("every file that is selected here is proven", FindUnproven),
        new("every byte that is selected here is proven", static facts =>
            facts.Question.SelectedBytes < 0 || facts.Proof.SelectedBytes < facts.Question.SelectedBytes
                ? "the proof is of fewer bytes than are selected here" : null),
        new("every byte there was read back after it was written", static facts =>
            facts.Proof.BytesReadBack < facts.Proof.SelectedBytes ? "not every byte there was read back" : null),
    ];

    /// <summary>What the destination's client shows.</summary>
    private static readonly ProofRule<ClientFacts>[] OfClient =
    [
        new("the destination's client has it", static facts => facts.View is null ? "what the client there shows is not known" : null),
        new("the destination's client is on the seeding side", static facts =>
            facts.View is { } view && (view.State.GetSide() != TorrentSide.Seeding || (facts.MustBeActive && view.State.IsStopped()))
                ? $"the client there shows {view.State}" : null),
        new("the destination's client lacks nothing", static facts =>
            facts.View is { } view && (!(view.Progress >= 1.0) || view.BytesLeft != 0) ? "the client there lacks content" : null),
        new("the destination's client was looked at just now", static facts =>
            facts.View is { } view && facts.AnsweredAt - view.SeenAt > SeenWithin ? "the client there was looked at too long ago" : null),
    ];

    /// <summary>Whether it is of now.</summary>
    private static readonly ProofRule<ProofFacts>[] OfAge =
    [
        new("the proof ended after it began", static facts => facts.Proof.To < facts.Proof.From ? "the proof ended before it began" : null),
        new("the clock here was not set back", static facts =>
            facts.AnsweredAt < facts.Question.AskedAt || facts.Now < facts.AnsweredAt ? "the clock here was set back" : null),
        new("the proof is no older than a minute", static facts => facts.Now - facts.Question.AskedAt > GoodFor ? "the proof is too old" : null),
        new("the destination was not restarted meanwhile", static facts =>
            facts.Question.Incarnation is null || facts.Incarnation != facts.Question.Incarnation ? "the destination was restarted meanwhile" : null),
    ];

    /// <summary>Everything that is asked of a proof, in the order in which it is.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. OfContent.Select(static rule => rule.Name), .. OfClient.Select(static rule => rule.Name), .. OfAge.Select(static rule => rule.Name)];

    /// <summary>The reason against a proof, and its kind; null when there is none.</summary>
    /// <param name="question">What was asked.</param>
    /// <param name="proof">What was answered.</param>
    /// <param name="answeredAt">When.</param>
    /// <param name="incarnation">The destination's incarnation since; null when it is not known.</param>
    /// <param name="mustBeActive">Whether it has to seed there already.</param>
    /// <param name="now">The time at which it is used.</param>
    public static DeleteFault? FindFault(
        ProofQuestion question, Proof proof, DateTimeOffset answeredAt, ulong? incarnation, bool mustBeActive, DateTimeOffset now)
    {
        var facts = new ProofFacts(question, proof, answeredAt, incarnation, now);
        return First(OfContent, facts) is { } lacking ? new DeleteFault(lacking, DeleteBlock.NoProof)
            : First(OfClient, new ClientFacts(proof.Client, answeredAt, mustBeActive)) is { } client ? new DeleteFault(client, DeleteBlock.DestinationNotSeeding)
            : First(OfAge, facts) is { } age ? new DeleteFault(age, DeleteBlock.ProofStale)
            : null;
    }

    /// <summary>
    /// Everything that is asked of a proof, with what stands against it as far as a status of the destination tells that without one.
    /// </summary>
    /// <param name="view">What the client there shows; null when that is not known.</param>
    /// <param name="now">When that was told.</param>
    public static IEnumerable<(string Name, bool IsKnown, string? Fault)> Foresee(ClientView? view, DateTimeOffset now)
    {
        var client = new ClientFacts(view, now, MustBeActive: false);
        return
        [
            .. OfContent.Select(static rule => (rule.Name, false, (string?)null)),
            .. OfClient.Select(rule => (rule.Name, view is not null, view is null ? null : rule.FindFault(client))),
            .. OfAge.Select(static rule => (rule.Name, false, (string?)null)),
        ];
    }

    private static string? First<T>(ProofRule<T>[] rules, T facts)
    {
        foreach (var rule in rules)
        {
            if (rule.FindFault(facts) is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    private static Selection? HereOf(ProofFacts facts) =>
        Selection.TryFromBytes(facts.Question.Manifest, facts.Question.Selection, out var here) && !here!.IsEmpty ? here : null;

    private static Selection? ThereOf(ProofFacts facts) =>
        Selection.TryFromBytes(facts.Question.Manifest, facts.Proof.ProvenFiles.Span, out var proven) ? proven : null;

    private static string? FindUnproven(ProofFacts facts)
    {
        var (here, there) = (HereOf(facts)!, ThereOf(facts)!);
        foreach (var file in facts.Question.Manifest.Files)
        {
            if (here.IsSelected(file.Index) && !there.IsSelected(file.Index))
            {
                return $"the proof lacks {string.Join('/', file.Path)}";
            }
        }

        return null;
    }

    private sealed record ProofRule<T>(string Name, Func<T, string?> FindFault);

    private sealed record ProofFacts(ProofQuestion Question, Proof Proof, DateTimeOffset AnsweredAt, ulong? Incarnation, DateTimeOffset Now);

    private sealed record ClientFacts(ClientView? View, DateTimeOffset AnsweredAt, bool MustBeActive);
}
