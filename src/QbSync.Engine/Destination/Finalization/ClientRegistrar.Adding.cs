using QbSync.Engine.Shared;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination.Finalization;

internal sealed partial class ClientRegistrar
{
    /// <summary>Adds that the client did not take, before nobody tries again by himself.</summary>
    private const int MaxRefusedAdds = 5;

    /// <summary>Adds the torrent; what is listed then, or why there is nothing.</summary>
    private async Task<(TorrentStatus? Found, RegistrationEnd? End)> AddAsync(FinalizeRun run, CancellationToken lease)
    {
        var storage = run.Storage;
        var request = storage.Request;
        if (await FindLostAsync(run, lease).ConfigureAwait(false) is { } lost)
        {
            return (null, lost);
        }

        var hasCategory = await EnsureCategoryAsync(request.Parameters.Category, lease).ConfigureAwait(false);
        var describes = await client.DescribeAsync(refresh: false, lease).ConfigureAwait(false);
        if (storage.Layout.HasBoundaryPieces && describes.Capabilities.ReadsPartFiles
            && await storage.ExportPartFileAsync(GetPartFileName(request.Manifest), lease).ConfigureAwait(false) is { } conflict)
        {
            return (null, new RegistrationEnd.Waits(conflict, RetryAfter(conflict)));
        }

        await storage.SetPhaseAsync(StoredPhase.AddIntent, null, lease).ConfigureAwait(false);
        var skipCheck = options.Recheck != RecheckPolicy.Always && !run.SawMissingFiles && storage.Layout.IsWholeSelection() && !HasOtherNames(request);
        Log.Adds(logger, request.Manifest.Id, GetSavePath(storage), skipCheck ? "as verified" : "to be checked");
        var outcome = AddTorrentOutcome.Unclear;
        try
        {
            outcome = await client.AddAsync(
                new AddTorrentRequest
                {
                    Torrent = request.Torrent,
                    SavePath = GetSavePath(storage),
                    Layout = request.Place.Layout,
                    Category = hasCategory ? request.Parameters.Category : "",
                    Tags = [.. request.Parameters.Tags.Where(IsUsableTag)],
                    SkipCheck = skipCheck,
                },
                lease).ConfigureAwait(false);
        }
        catch (TorrentClientException e) when (e.Fault is ClientFault.OutcomeUnknown or ClientFault.Timeout or ClientFault.Conflict
            or ClientFault.Rejected or ClientFault.ServerError)
        {
            // It may have been taken all the same: a look decides, never a second add.
        }

        if (outcome == AddTorrentOutcome.Refused)
        {
            return (null, new RegistrationEnd.Fails(new Refusal(RefusalReason.ClientRefused, "The client here cannot hold such a torrent.")));
        }

        return await FindListedAsync(run, lease).ConfigureAwait(false);
    }

    private async Task<(TorrentStatus? Found, RegistrationEnd? End)> FindListedAsync(FinalizeRun run, CancellationToken lease)
    {
        var manifest = run.Storage.Request.Manifest;
        if (await readBack.UntilListedAsync(ClientChange.Add, manifest.V1, manifest.V2, lease).ConfigureAwait(false) is { } found)
        {
            return (found, null);
        }

        run.RefusedAdds++;
        Log.NotTaken(logger, manifest.Id, run.RefusedAdds);
        var refusal = new Refusal(RefusalReason.ClientRefused, $"The client here did not take the torrent, {run.RefusedAdds} times.");
        return run.RefusedAdds >= MaxRefusedAdds
            ? (null, new RegistrationEnd.Fails(refusal))
            : (null, new RegistrationEnd.Waits(refusal, TimeSpan.FromSeconds(Math.Min(600, 30 << (run.RefusedAdds - 1)))));
    }

    /// <summary>Waits until the client has made up its mind about a torrent that was just added, or that it was checking.</summary>
    private async Task<(TorrentStatus? Status, RegistrationEnd? Waits)> SettleAsync(FinalizeRun run, ClientTorrentId id, CancellationToken lease)
    {
        // Taken as verified it ends whole and stopped, within seconds; before that it may show any state for a moment.
        var began = time.GetTimestamp();
        var skipped = !HasOtherNames(run.Storage.Request) && run.Storage.Layout.IsWholeSelection() && run.Checks == 0;
        var grace = skipped && options.Recheck != RecheckPolicy.Always ? TimeSpan.FromSeconds(5) : TimeSpan.Zero;
        var (status, stuck) = await WaitForCheckAsync(
            run,
            id,
            (seen, askedAt) => seen.IsComplete || seen.State is ClientTorrentState.MissingFiles or ClientTorrentState.Error || seen.State.IsActive()
                || time.GetElapsedTime(began, askedAt) >= grace,
            lease).ConfigureAwait(false);
        if (status is null)
        {
            return (null, new RegistrationEnd.Waits(new Refusal(RefusalReason.ClientChecking, "The client here does not show it."), options.PollInterval));
        }

        // Stuck, it is given to a check of ours, whose end tells more.
        if (!stuck && status.State.IsActive())
        {
            status = await StopAsync(run, status, lease).ConfigureAwait(false) ?? status;
        }

        return (status, null);
    }

    /// <summary>Looks at the final files once more before anybody is told of them. Those that changed are read: what is good stays.</summary>
    public static async Task<RegistrationEnd.ContentLost?> FindLostAsync(FinalizeRun run, CancellationToken lease)
    {
        var lost = await run.Storage.CheckPublishedAsync(lease).ConfigureAwait(false);
        if (lost.Count == 0)
        {
            return null;
        }

        var needed = await run.Storage.ReexamineFilesAsync(lost, null, lease).ConfigureAwait(false);
        if (needed == 0)
        {
            return null;
        }

        await run.Storage.SetPhaseAsync(StoredPhase.Receiving, null, lease).ConfigureAwait(false);
        return new RegistrationEnd.ContentLost(needed);
    }

    /// <summary>Whether the client has the category now. A torrent is added without one that the client does not take.</summary>
    private async Task<bool> EnsureCategoryAsync(string category, CancellationToken lease)
    {
        if (category.Length == 0)
        {
            return false;
        }

        try
        {
            await client.EnsureCategoryAsync(category, lease).ConfigureAwait(false);
            return true;
        }
        catch (TorrentClientException e) when (e.Fault is not (ClientFault.Unreachable or ClientFault.BreakerOpen))
        {
            // The client is there and only this call fails: the torrent is worth more than its category.
            Log.NoCategory(logger, category, e.Message);
            return false;
        }
    }

    private static bool HasOtherNames(StoreRequest request)
    {
        var derived = ContentPaths.Of(request.Manifest, request.Place.Layout);
        return request.Manifest.Files.Any(file => file.IsReal && !request.FileNames[file.Index].SequenceEqual(derived[file.Index]));
    }

    /// <summary>libtorrent 2 knows hybrid and v2 torrents by their v2 hash cut short, and names the file after that.</summary>
    private static string GetPartFileName(TorrentManifest manifest) => $".{(manifest.V2.Length > 0 ? manifest.V2.Truncated : manifest.V1)}.parts";
}
