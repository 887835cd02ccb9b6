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

    /// <summary>The reason against a proof, and its kind; null when there is none.</summary>
    /// <param name="question">What was asked.</param>
    /// <param name="proof">What was answered.</param>
    /// <param name="answeredAt">When.</param>
    /// <param name="incarnation">The destination's incarnation since; null when it is not known.</param>
    /// <param name="mustBeActive">Whether it has to seed there already.</param>
    /// <param name="now">The time at which it is used.</param>
    public static DeleteFault? FindFault(
        ProofQuestion question, Proof proof, DateTimeOffset answeredAt, ulong? incarnation, bool mustBeActive, DateTimeOffset now) =>
        (FindIdentityFault(question, proof) ?? FindContentFault(question, proof)) is { } lacking ? new DeleteFault(lacking, DeleteBlock.NoProof)
            : FindClientFault(proof.Client, answeredAt, mustBeActive) is { } client ? new DeleteFault(client, DeleteBlock.DestinationNotSeeding)
            : FindAgeFault(question, proof, answeredAt, incarnation, now) is { } age ? new DeleteFault(age, DeleteBlock.ProofStale)
            : null;

    private static string? FindIdentityFault(ProofQuestion question, Proof proof) => proof switch
    {
        _ when proof.Id != question.Id => "the proof is of another torrent",
        _ when question.Nonce.Length == 0 || !proof.Nonce.Span.SequenceEqual(question.Nonce) => "the proof answers another question",
        _ when proof.ManifestDigest.IsEmpty || !proof.ManifestDigest.Span.SequenceEqual(question.Manifest.InfoDigest.Span) =>
            "the proof is of another .torrent",
        _ when proof.ProofId.IsEmpty => "the proof has no name",
        _ => null,
    };

    private static string? FindContentFault(ProofQuestion question, Proof proof)
    {
        if (!Selection.TryFromBytes(question.Manifest, question.Selection, out var here) || here!.IsEmpty)
        {
            return "what is selected here is not known";
        }

        if (!Selection.TryFromBytes(question.Manifest, proof.ProvenFiles.Span, out var proven))
        {
            return "the proof does not tell the files that it is of";
        }

        foreach (var file in question.Manifest.Files)
        {
            if (here.IsSelected(file.Index) && !proven!.IsSelected(file.Index))
            {
                return $"the proof lacks {string.Join('/', file.Path)}";
            }
        }

        return proof switch
        {
            _ when question.SelectedBytes < 0 || proof.SelectedBytes < question.SelectedBytes => "the proof is of fewer bytes than are selected here",
            _ when proof.BytesReadBack < proof.SelectedBytes => "not every byte there was read back",
            _ => null,
        };
    }

    private static string? FindClientFault(ClientView? client, DateTimeOffset answeredAt, bool mustBeActive) => client switch
    {
        null => "what the client there shows is not known",
        _ when client.State.GetSide() != TorrentSide.Seeding => $"the client there shows {client.State}",
        _ when mustBeActive && client.State.IsStopped() => $"the client there shows {client.State}",
        _ when !(client.Progress >= 1.0) || client.BytesLeft != 0 => "the client there lacks content",
        _ when answeredAt - client.SeenAt > SeenWithin => "the client there was looked at too long ago",
        _ => null,
    };

    private static string? FindAgeFault(ProofQuestion question, Proof proof, DateTimeOffset answeredAt, ulong? incarnation, DateTimeOffset now) => proof switch
    {
        _ when proof.To < proof.From => "the proof ended before it began",
        _ when answeredAt < question.AskedAt || now < answeredAt => "the clock here was set back",
        _ when now - question.AskedAt > GoodFor => "the proof is too old",
        _ when question.Incarnation is null || incarnation != question.Incarnation => "the destination was restarted meanwhile",
        _ => null,
    };
}
