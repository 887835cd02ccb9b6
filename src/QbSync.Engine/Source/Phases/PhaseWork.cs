using QbSync.Engine.Shared;
using QbSync.Engine.Source.Peers;
using QbSync.Engine.Source.Planning;
using QbSync.Engine.Source.Records;
using QbSync.Engine.Status;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Phases;

/// <summary>What a phase is told of its torrent when it begins: a copy, since the loop goes on meanwhile.</summary>
/// <param name="Id">The torrent.</param>
/// <param name="Status">What the client says of it; null when it is gone there.</param>
/// <param name="Manifest">The manifest, if this process has it.</param>
/// <param name="Streamed">What was opened and streamed, if anything.</param>
/// <param name="Record">The durable record as the loop has it.</param>
internal sealed record PhaseInput(InfoHash Id, TorrentStatus? Status, TorrentManifest? Manifest, TorrentContent? Streamed, TorrentRecord Record);

/// <summary>The I/O of the phases. Stateless; each call belongs to one run of one torrent and ends with it. Thread-safe.</summary>
internal sealed partial class PhaseWork(
    ContentLoader loader,
    ITorrentClient client,
    ReadBack readBack,
    DestinationCalls destination,
    IPieceReader reader,
    RecordWriter records,
    MonotonicClock clock,
    EngineMetrics metrics) : IDisposable
{
    // Opening validates and reserves at the destination; more at once would only queue there.
    private readonly SemaphoreSlim _openings = new(8);

    /// <summary>Builds manifest, layout and selection, and opens the torrent at the destination.</summary>
    public async Task<PhaseResult> InitializeAsync(PhaseInput input, Action<OperationProgress> onProgress, CancellationToken cancellationToken)
    {
        var loaded = await loader.LoadAsync(input.Status!, input.Manifest, cancellationToken).ConfigureAwait(false);
        if (loaded is ContentOutcome.NotReady reason)
        {
            return PhaseResult.Held.By(reason);
        }

        var content = ((ContentOutcome.Ready)loaded).Content;
        if (content.Selection.IsEmpty)
        {
            return new PhaseResult.Held(WaitingReason.Download, null, null, "No file of it is selected.");
        }

        var isDownloading = !input.Status!.IsComplete;
        var files = FileTable.Make(content, reader, isDownloading);
        var request = new InitRequest
        {
            Id = content.Manifest.Id,
            Selection = content.Selection.ToBytes(),
            Place = content.Place,
            Parameters = content.Parameters,
            FilesDigest = FileTable.Digest(files),
            IsDownloading = isDownloading,
        };
        await _openings.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await OpenAsync(input, content, request, files, onProgress, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _openings.Release();
        }
    }

    /// <summary>Asks the client what the user's lists need to know.</summary>
    public async Task<PhaseResult> InspectAsync(PhaseInput input, SyncFilter filter, CancellationToken cancellationToken)
    {
        var (notReady, traits) = await loader.InspectAsync(input.Status!, filter, cancellationToken).ConfigureAwait(false);
        return notReady is null ? new PhaseResult.Inspected(traits!, filter) : PhaseResult.Held.By(notReady);
    }

    /// <summary>Asks the client again for names, folders and selection.</summary>
    public async Task<PhaseResult> LookAsync(PhaseInput input, CancellationToken cancellationToken)
    {
        var status = input.Status!;
        if (input is { Streamed: null, Record.Completion.ClientFiles: { Length: > 0 } known }
            && (await loader.DigestFilesAsync(status.Id, cancellationToken).ConfigureAwait(false)).AsSpan().SequenceEqual(known))
        {
            // Its manifest was let go when it was synced, and is not asked for again to find that nothing changed.
            return new PhaseResult.Looked(null, status.SelectedSize);
        }

        return await loader.LoadAsync(status, input.Manifest, cancellationToken).ConfigureAwait(false) switch
        {
            ContentOutcome.NotReady reason => PhaseResult.Held.By(reason),
            ContentOutcome.Ready ready => new PhaseResult.Looked(ready.Content, status.SelectedSize),
            _ => throw new InvalidOperationException("A look has two outcomes."),
        };
    }

    public void Dispose() => _openings.Dispose();

    private async Task<PhaseResult> OpenAsync(
        PhaseInput input,
        TorrentContent content,
        InitRequest request,
        IReadOnlyList<SourceFile> files,
        Action<OperationProgress> onProgress,
        CancellationToken cancellationToken)
    {
        // Twice what can be asked for, so that a destination that asks for the same again and again ends as a refusal.
        for (var i = 0; i < 4; i++)
        {
            var asked = request;
            var outcome = await destination.RepeatAsync(
                token => destination.InitAsync(asked, token),
                static answer => answer is InitOutcome.Running running ? running.Progress : null,
                onProgress,
                cancellationToken).ConfigureAwait(false);
            switch (outcome)
            {
                case InitOutcome.Open open:
                    return Check(content with { Told = new ToldContent(request.Place, content.Layout, request.FilesDigest) }, open);
                case InitOutcome.Complete complete:
                    return await CompleteAsync(input, content, complete.View, adopted: true, cancellationToken).ConfigureAwait(false);
                case InitOutcome.Refused { Refusal.Reason: RefusalReason.TorrentFileNeeded }:
                    var torrent = content.Torrent
                        ?? await client.GetManifestAsync(input.Status!.Id, cancellationToken).ConfigureAwait(false);
                    request = request with { Torrent = torrent };
                    break;
                case InitOutcome.Refused { Refusal.Reason: RefusalReason.FilesNeeded }:
                    request = request with { Files = files };
                    break;
                case InitOutcome.Refused { Refusal.Reason: RefusalReason.HandedOff }:
                    if (await TakeBackAsync(content.Manifest.Id, onProgress, cancellationToken).ConfigureAwait(false) is { } held)
                    {
                        return held;
                    }

                    break;
                case InitOutcome.Refused { Refusal.Reason: RefusalReason.Finalizing }:
                    return new PhaseResult.FinalizingThere(content);
                case InitOutcome.Refused refused:
                    return PhaseResult.Held.By(refused.Refusal);
            }
        }

        return PhaseResult.Held.By(new Refusal(RefusalReason.Busy, "It asks for what was sent."));
    }

    /// <summary>
    /// Stops what was handed over earlier and is wanted otherwise now: a torrent that seeds there takes no other selection. Null when it is stopped.
    /// </summary>
    private async Task<PhaseResult.Held?> TakeBackAsync(InfoHash id, Action<OperationProgress> onProgress, CancellationToken cancellationToken)
    {
        var outcome = await destination.RepeatAsync(
            token => destination.WithdrawAsync(new WithdrawRequest(id), token),
            static answer => answer is WithdrawOutcome.Running running ? running.Progress : null,
            onProgress,
            cancellationToken).ConfigureAwait(false);
        return outcome switch
        {
            WithdrawOutcome.Refused { Refusal: { Reason: RefusalReason.HandedOff } refusal } => new PhaseResult.Held(
                WaitingReason.Conflict, FaultClass.Conflict, null, $"It was handed over for good, with other files of it: {refusal.Detail}"),
            WithdrawOutcome.Refused refused => PhaseResult.Held.By(refused.Refusal),
            _ => null,
        };
    }

    private static PhaseResult Check(TorrentContent content, InitOutcome.Open open)
    {
        var pieces = content.Manifest.PieceCount;
        return open.Have.Length == pieces && open.Deferred.Length == pieces
            ? new PhaseResult.Opened(content with { Torrent = null }, open)
            : new PhaseResult.Faulted(new PeerException(
                PeerFault.Malformed, $"The destination tells {open.Have.Length} pieces of a torrent with {pieces}."));
    }
}
