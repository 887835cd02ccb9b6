using QbSync.Engine.Destination.Finalization;
using QbSync.Engine.Destination.Initialization;
using QbSync.Engine.Shared;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination.Handoff;

/// <summary>
/// Looks at, starts and stops complete torrents at the client; what a read shows counts, never an answer to a change. Failures of the client are thrown.
/// Stateless, thread-safe.
/// </summary>
internal sealed class SeedingControl(DestinationOptions options, ITorrentClient client, ReadBack readBack, EngineMetrics metrics, TimeProvider time)
{
    /// <summary>After a stop was seen, the announce that tells of it is on its way for about this long.</summary>
    private static readonly TimeSpan AnnounceTime = TimeSpan.FromSeconds(2);

    /// <summary>Whether it seeds, or is queued to.</summary>
    public static bool IsSeeding(TorrentStatus status) => status.IsComplete && !status.State.IsStopped();

    /// <summary>Whether it does what a complete torrent must not do: download, check, miss its files.</summary>
    public static bool IsWrong(TorrentStatus status) => HasLostContent(status) || status.State.IsChecking();

    /// <summary>Whether the client thinks that content is missing or wrong.</summary>
    public static bool HasLostContent(TorrentStatus status) =>
        status.Side == TorrentSide.Downloading || status.State is ClientTorrentState.MissingFiles or ClientTorrentState.Error;

    /// <summary>The torrent as the client has it now, or null.</summary>
    public async Task<ClientSighting?> FindAsync(TorrentManifest manifest, CancellationToken cancellationToken)
    {
        var (seenAt, stamp) = (time.GetUtcNow(), time.GetTimestamp());
        return await client.FindAsync(manifest.V1, manifest.V2, cancellationToken).ConfigureAwait(false) is { } status
            ? new ClientSighting(status, seenAt, stamp)
            : null;
    }

    /// <summary>Why what the client shows is not a complete torrent of this selection, or null when it is.</summary>
    public async Task<Refusal?> FindFaultAsync(ITorrentStorage storage, TorrentStatus? status, CancellationToken cancellationToken)
    {
        if (status is null)
        {
            return new Refusal(RefusalReason.NotSeeding, "The client here does not have the torrent any more.");
        }

        if (ClientPresence.IsUnsettled(status.State))
        {
            return new Refusal(RefusalReason.ClientChecking, $"The client here shows state {status.State}.");
        }

        if (!status.IsComplete)
        {
            return NotSeeding(status);
        }

        var files = await client.GetFilesAsync(status.Id, cancellationToken).ConfigureAwait(false);
        return ClientFileMap.TryMatch(storage.Request, files) is { } map && storage.Layout.GetSelectedFiles().All(file => map[file].Selected)
            ? null
            : new Refusal(RefusalReason.NotSeeding, "The client here has another selection of files.");
    }

    /// <summary>A refusal that names the state.</summary>
    public static Refusal NotSeeding(TorrentStatus? status) => new(
        RefusalReason.NotSeeding,
        status is null ? "The client here has it no more." : $"The client here shows state {status.State}, {status.AmountLeft} bytes left.");

    /// <summary>What was seen, as it is told to a source, with what the trackers made of it.</summary>
    public async Task<ClientView> ViewAsync(ClientSighting seen, CancellationToken cancellationToken)
    {
        var (announce, text) = await GetAnnounceAsync(seen.Status.Id, cancellationToken).ConfigureAwait(false);
        return MakeView(seen) with { Announce = announce, AnnounceText = text };
    }

    /// <summary>What was seen, as it is told to a source.</summary>
    public static ClientView MakeView(ClientSighting seen) =>
        new(seen.Status.State, seen.Status.Progress, seen.Status.AmountLeft, seen.SeenAt);

    /// <summary>Whether a tracker took the announce; none where the client does not tell, since that decides nothing here.</summary>
    public async Task<(AnnounceState State, string Text)> GetAnnounceAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        try
        {
            return (await client.GetTrackersAsync(id, cancellationToken).ConfigureAwait(false)).GetAnnounce();
        }
        catch (TorrentClientException)
        {
            return (AnnounceState.None, "");
        }
    }

    /// <summary>Starts it, and reads until it seeds, shows that it cannot, or did not change in time.</summary>
    public async Task<ClientSighting?> StartAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        try
        {
            await client.StartAsync([id], force: false, cancellationToken).ConfigureAwait(false);
        }
        catch (TorrentClientException e) when (e.Fault is ClientFault.Conflict or ClientFault.OutcomeUnknown or ClientFault.Timeout)
        {
            // Its state changed just now, or the answer was lost: the read below says which.
        }

        return Sight((await readBack.UntilAsync(
            ClientChange.Start with { Within = options.StartWait }, id, static status => status is null || IsSeeding(status) || IsWrong(status), cancellationToken).ConfigureAwait(false)).Seen);
    }

    /// <summary>Stops it, a check included, and reads until it is at rest. False when it was not seen so in time.</summary>
    public async Task<(bool AtRest, ClientSighting? Seen)> StopAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        try
        {
            await client.StopAsync([id], whileChecking: true, cancellationToken).ConfigureAwait(false);
            var (atRest, status) = await readBack.UntilAsync(ClientChange.Stop, id, IsAtRest, cancellationToken).ConfigureAwait(false);
            if (!atRest)
            {
                metrics.DestinationStopFailed();
            }

            return (atRest, Sight(status));
        }
        catch (TorrentClientException)
        {
            metrics.DestinationStopFailed();
            throw;
        }
    }

    /// <summary>Sends a stop without reading it back; the next poll does.</summary>
    public async Task SendStopAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        try
        {
            await client.StopAsync([id], whileChecking: false, cancellationToken).ConfigureAwait(false);
        }
        catch (TorrentClientException)
        {
            metrics.DestinationStopFailed();
        }
    }

    /// <summary>Waits until trackers know of a stop that was seen, so that another seeder's start never overtakes it.</summary>
    public async Task LetAnnounceAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        if ((await GetAnnounceAsync(id, cancellationToken).ConfigureAwait(false)).State != AnnounceState.None)
        {
            await Task.Delay(AnnounceTime, time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>A client may show what is wrong rather than that it is stopped.</summary>
    private static bool IsAtRest(TorrentStatus? status) =>
        status is null || status.State.IsStopped() || status.State is ClientTorrentState.MissingFiles or ClientTorrentState.Error;

    private ClientSighting? Sight(TorrentStatus? status) => status is null ? null : new ClientSighting(status, time.GetUtcNow(), time.GetTimestamp());
}
