using QbSync.Engine.Shared;
using QbSync.Engine.Source.Records;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Phases;

internal sealed partial class PhaseWork
{
    /// <summary>Makes the torrent final there, after a last look at its selection here.</summary>
    public async Task<PhaseResult> FinalizeAsync(PhaseInput input, Action<OperationProgress> onProgress, CancellationToken cancellationToken)
    {
        var loaded = await loader.LoadAsync(input.Status!, input.Manifest, cancellationToken).ConfigureAwait(false);
        if (loaded is ContentOutcome.NotReady reason)
        {
            return PhaseResult.Held.By(reason);
        }

        var content = ((ContentOutcome.Ready)loaded).Content;
        if (input.Streamed is { } streamed && !streamed.Selection.Equals(content.Selection))
        {
            return new PhaseResult.OpenAnew("its selection changed");
        }

        if (input.Streamed?.Told?.IsSame(content) == false)
        {
            return new PhaseResult.OpenAnew("its folder or a name changed");
        }

        var request = new FinalizeRequest
        {
            Id = content.Manifest.Id,
            SelectionFingerprint = content.Selection.Fingerprint(content.Manifest.Id),
            Parameters = content.Parameters,
            Files = GetFinalFiles(input, content),
        };
        switch (await FinalizeAsync(request, onProgress, cancellationToken).ConfigureAwait(false))
        {
            case FinalizeOutcome.Complete complete:
                return await CompleteAsync(input, content, complete.View, adopted: false, cancellationToken).ConfigureAwait(false);
            case FinalizeOutcome.Incomplete incomplete:
                if (incomplete.Have.Length == content.Manifest.PieceCount && incomplete.Deferred.Length == content.Manifest.PieceCount)
                {
                    return new PhaseResult.Incomplete(incomplete);
                }

                metrics.FinalizationFailed();
                return new PhaseResult.Faulted(new PeerException(PeerFault.Malformed, "The destination tells another number of pieces."));
            case FinalizeOutcome.Refused { Refusal.Reason: RefusalReason.SelectionChanged }:
                return new PhaseResult.OpenAnew("the destination has another selection");
            case FinalizeOutcome.Refused { Refusal.Reason: RefusalReason.Incomplete }:
                return new PhaseResult.OpenAnew("the destination lacks pieces");
            case FinalizeOutcome.Refused refused:
                if (refused.Refusal.Reason == RefusalReason.StorageError || refused.Refusal.Reason.GetKind() == RefusalKind.Permanent)
                {
                    metrics.FinalizationFailed();
                }

                return PhaseResult.Held.By(refused.Refusal);
            default:
                return new PhaseResult.OpenAnew("the destination does not know it");
        }
    }

    /// <summary>The files as they are now that all of them are here; null when they are as the destination was told.</summary>
    private List<SourceFile>? GetFinalFiles(PhaseInput input, TorrentContent content)
    {
        var files = FileTable.Make(content, reader, isDownloading: false);
        return input.Streamed?.Told is { } told && FileTable.Digest(files).AsSpan().SequenceEqual(told.FilesDigest.Span) ? null : files;
    }

    /// <summary>Takes over what the destination has complete already, after comparing selections: no byte is sent.</summary>
    public async Task<PhaseResult> AdoptAsync(PhaseInput input, ReadOnlyMemory<byte> selectionThere, CancellationToken cancellationToken)
    {
        var loaded = await loader.LoadAsync(input.Status!, input.Manifest, cancellationToken).ConfigureAwait(false);
        if (loaded is ContentOutcome.NotReady reason)
        {
            return PhaseResult.Held.By(reason);
        }

        var content = ((ContentOutcome.Ready)loaded).Content;
        if (!selectionThere.IsEmpty && SelectionThere(content, selectionThere)?.Covers(content.Selection) != true)
        {
            return new PhaseResult.OpenAnew("the destination has fewer files of it");
        }

        var view = new CompletionView(ReadOnlyMemory<byte>.Empty, null, selectionThere);
        return await CompleteAsync(input, content, view, adopted: true, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The selection that is complete there; null when it is not told, or not of this torrent.</summary>
    private static Selection? SelectionThere(TorrentContent content, ReadOnlyMemory<byte> told) =>
        !told.IsEmpty && Selection.TryFromBytes(content.Manifest, told.Span, out var there) ? there : null;

    private async Task<FinalizeOutcome> FinalizeAsync(FinalizeRequest request, Action<OperationProgress> onProgress, CancellationToken cancellationToken)
    {
        try
        {
            return await RepeatFinalizeAsync(request, onProgress, cancellationToken).ConfigureAwait(false);
        }
        catch (PeerException e) when (e.Fault == PeerFault.Malformed)
        {
            metrics.FinalizationFailed(); // an answer that nobody understands is one all the same
            throw;
        }
    }

    private Task<FinalizeOutcome> RepeatFinalizeAsync(FinalizeRequest request, Action<OperationProgress> onProgress, CancellationToken cancellationToken)
    {
        var watch = new AdvanceWatch(clock.Now);
        return destination.RepeatAsync(
            token => destination.FinalizeAsync(request, token),
            static answer => answer is FinalizeOutcome.Running running ? running.Progress : null,
            progress =>
            {
                onProgress(progress);
                if (watch.IsStuck(progress, clock.Now))
                {
                    throw new PeerException(PeerFault.Timeout, $"Making it final there has not advanced for a long time: {progress.Stage}.");
                }
            },
            cancellationToken);
    }

    /// <summary>Writes the completion record; only then the torrent counts as synced.</summary>
    private async Task<PhaseResult> CompleteAsync(
        PhaseInput input, TorrentContent content, CompletionView view, bool adopted, CancellationToken cancellationToken)
    {
        var status = input.Status!;
        var there = SelectionThere(content, view.Selection);
        var completion = new CompletionRecord
        {
            V1 = HexOf(content.Manifest.V1),
            V2 = HexOf(content.Manifest.V2),
            ManifestDigest = content.Manifest.InfoDigest.ToArray(),
            Adopted = adopted,

            // What was finalized by us is what we named; of what was there already, the destination's word counts, and if it gave none, nobody's.
            Selection = adopted ? there?.ToBytes() ?? [] : content.Selection.ToBytes(),
            ClientFiles = content.ClientFiles.ToArray(),
            SelectedBytes = content.Pieces.SelectedBytes,
            ClientSelectedSize = status.SelectedSize,
            ProofId = view.ProofId.ToArray(),
            CompletedAt = status.CompletedAt,
            SyncedAt = clock.WallNow,
            ValidatedAt = clock.WallNow,
        };
        var record = input.Record with
        {
            Id = content.Manifest.Id.ToString(),
            ClientId = status.Id.Value,
            Name = content.Manifest.Name,
            State = TorrentSyncState.Synced,
            Strikes = [],
            OpenedThere = true,
            AllArrived = true,
            Finalize = FinalizeOf(content) with { Fingerprint = (adopted ? there ?? content.Selection : content.Selection).Fingerprint(content.Manifest.Id) },
            Completion = completion,
        };
        await records.WriteAsync(content.Manifest.Id, record, cancellationToken).ConfigureAwait(false);
        return new PhaseResult.Completed(completion, record.Finalize, content.Manifest.Name, content.Pieces.SelectedPieceCount);
    }

    private static string HexOf(InfoHash hash) => hash.Length > 0 ? hash.ToString() : "";

    /// <summary>What is kept to finalize without the source's entry.</summary>
    public static FinalizeRecord FinalizeOf(TorrentContent content) =>
        Keep(new FinalizeRecord { Fingerprint = content.Selection.Fingerprint(content.Manifest.Id) }, content.Parameters);

    /// <summary>The same with newer parameters.</summary>
    public static FinalizeRecord Keep(FinalizeRecord record, TorrentParameters parameters) => record with
    {
        Category = parameters.Category,
        Tags = parameters.Tags,
        AddedAt = parameters.AddedAt,
        CompletedAt = parameters.CompletedAt,
        RatioLimit = parameters.Limits.Ratio.ToNumber(),
        SeedingLimit = parameters.Limits.SeedingMinutes.ToNumber(),
        InactiveLimit = parameters.Limits.InactiveMinutes.ToNumber(),
    };

    /// <summary>What was kept.</summary>
    public static TorrentParameters ParametersOf(FinalizeRecord record) => new()
    {
        Category = record.Category,
        Tags = record.Tags,
        AddedAt = record.AddedAt,
        CompletedAt = record.CompletedAt,
        Limits = ShareLimits.FromNumbers(record.RatioLimit, record.SeedingLimit, record.InactiveLimit),
    };
}
