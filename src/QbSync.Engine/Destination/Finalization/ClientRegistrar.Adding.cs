using QbSync.Engine.Destination.Initialization;
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
    private async Task<(TorrentStatus? Found, RegistrationEnd? End)> AddAsync(FinalizeRun run, ClientDescription describes, CancellationToken lease)
    {
        var storage = run.Storage;
        var request = storage.Request;
        var whyCheck = FindWhyCheck(run, describes);
        if (whyCheck is not null && ClientPresence.RefuseCheck(describes) is { } uncheckable)
        {
            return (null, new RegistrationEnd.Fails(uncheckable));
        }

        if (await FindLostAsync(run, lease).ConfigureAwait(false) is { } lost)
        {
            return (null, lost);
        }

        var hasCategory = await EnsureCategoryAsync(request.Parameters.Category, lease).ConfigureAwait(false);
        if (storage.Layout.HasBoundaryPieces && describes.Capabilities.ReadsPartFiles
            && await storage.ExportPartFileAsync(GetPartFileName(request.Manifest), lease).ConfigureAwait(false) is { } conflict)
        {
            return (null, new RegistrationEnd.Waits(conflict, RetryAfter(conflict)));
        }

        await storage.SetPhaseAsync(StoredPhase.AddIntent, null, lease).ConfigureAwait(false);
        Log.Adds(logger, request.Manifest.Id, GetSavePath(storage), whyCheck is null ? "as verified" : $"to be checked, since {whyCheck}");
        run.TakenAsVerified = whyCheck is null;
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
                    SkipCheck = whyCheck is null,
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

        return await FindListedAsync(run, describes.Epoch, lease).ConfigureAwait(false);
    }

    private async Task<(TorrentStatus? Found, RegistrationEnd? End)> FindListedAsync(FinalizeRun run, int epoch, CancellationToken lease)
    {
        var manifest = run.Storage.Request.Manifest;
        var (found, restarted) = await readBack.UntilListedAsync(ClientChange.Add, manifest.V1, manifest.V2, epoch, lease).ConfigureAwait(false);
        if (found is not null)
        {
            return (found, null);
        }

        if (restarted)
        {
            // Maybe before it had written down what it took: the next pass adds it again if need be.
            return (null, new RegistrationEnd.Waits(
                new Refusal(RefusalReason.ClientChecking, "The client here was restarted while it was given the torrent."), options.Current.PollInterval));
        }

        run.RefusedAdds++;
        Log.NotTaken(logger, manifest.Id, run.RefusedAdds);
        var refusal = new Refusal(RefusalReason.ClientRefused, $"The client here did not take the torrent, {run.RefusedAdds} times.");
        return run.RefusedAdds >= MaxRefusedAdds
            ? (null, new RegistrationEnd.Fails(refusal))
            : (null, new RegistrationEnd.Waits(refusal, TimeSpan.FromSeconds(Math.Min(600, 30 << (run.RefusedAdds - 1)))));
    }

    /// <summary>Waits until the client has made up its mind about a torrent that was just added, or that it was checking.</summary>
    private async Task<(TorrentStatus? Status, RegistrationEnd? Waits)> SettleAsync(
        FinalizeRun run, TorrentStatus found, ClientDescription describes, bool isNew, CancellationToken lease)
    {
        // Taken as verified it ends whole and stopped, or misses its files, a tick later; until then it may show anything.
        var verified = run.TakenAsVerified
            ?? (run.Checks == 0 && options.Current.Recheck != RecheckPolicy.Always && run.Storage.Layout.IsWholeSelection() && !HasOtherNames(run.Storage.Request));
        var patience = verified ? TimeSpan.FromSeconds(5) : TimeSpan.Zero;
        var isStale = isNew && verified && describes.Tick > TimeSpan.Zero;
        if (isStale)
        {
            await Task.Delay(describes.Tick, time, lease).ConfigureAwait(false);
        }

        var began = time.GetTimestamp();
        var (status, stuck) = !isStale && !ClientPresence.IsUnsettled(found.State) && IsOver(found)
            ? (found, false)
            : await _check.WaitAsync(
                found.Id, (seen, _) => IsOver(seen), seen => run.Report(FinalizeStage.Checking, (long)(seen.Progress * 1000), 1000), lease).ConfigureAwait(false);
        if (status is null)
        {
            return (null, new RegistrationEnd.Waits(new Refusal(RefusalReason.ClientChecking, "The client here does not show it."), options.Current.PollInterval));
        }

        // Stuck, it is given to a check of ours, whose end tells more.
        if (!stuck && status.State.IsActive())
        {
            status = await StopAsync(run, status, lease).ConfigureAwait(false) ?? status;
        }

        return (status, null);

        bool IsOver(TorrentStatus seen) =>
            seen.IsComplete || IsBroken(seen.State) || seen.State.IsActive() || time.GetElapsedTime(began) >= patience;
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

        if (watch.Snapshot?.Categories.Contains(category) == true)
        {
            return true;
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

    /// <summary>Why the client has to check the content itself, or null when it may take it as verified.</summary>
    private string? FindWhyCheck(FinalizeRun run, ClientDescription describes)
    {
        var storage = run.Storage;
        if (run.SawMissingFiles)
        {
            return "it did not find the files before";
        }

        if (!storage.Layout.IsWholeSelection())
        {
            return "not every file is selected";
        }

        if (HasOtherNames(storage.Request))
        {
            return "its files have other names than in the .torrent";
        }

        return options.Current.Recheck switch
        {
            RecheckPolicy.Always => "every torrent is",
            RecheckPolicy.Never => null,
            RecheckPolicy.Auto => ClientPresence.RefuseCheck(describes) is null
                && _canary.IsDue(storage.Request.Place.Root, describes.Epoch, storage.Layout.SelectedBytes)
                ? "that shows whether the client can read here"
                : null,
        };
    }

    private static bool HasOtherNames(StoreRequest request)
    {
        var derived = ContentPaths.Of(request.Manifest, request.Place.Layout);
        return request.Manifest.Files.Any(file => file.IsReal && !request.FileNames[file.Index].SequenceEqual(derived[file.Index]));
    }

    /// <summary>libtorrent 2 knows hybrid and v2 torrents by their v2 hash cut short, and names the file after that.</summary>
    private static string GetPartFileName(TorrentManifest manifest) => $".{(manifest.V2.Length > 0 ? manifest.V2.Truncated : manifest.V1)}.parts";
}
