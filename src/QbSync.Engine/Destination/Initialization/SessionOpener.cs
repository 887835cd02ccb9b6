using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination.Initialization;

/// <summary>How opening a session ended.</summary>
/// <param name="Storage">The torrent's storage, unless refused.</param>
/// <param name="OwnNames">Whether the source's file names were not taken.</param>
/// <param name="Refusal">Why not; then nothing was created.</param>
/// <param name="OldPlace">Whether the place that was asked for could not be taken and another one counts.</param>
internal sealed record OpeningEnd(ITorrentStorage? Storage, bool OwnNames, Refusal? Refusal, bool OldPlace = false);

/// <summary>Opens torrents: parses and checks what was sent, asks the client what it has, and makes storage last. Stateless.</summary>
internal sealed partial class SessionOpener(Live<DestinationOptions> options, ITorrentStore store, ITorrentClient? client, PeerQuotas quotas)
{
    /// <summary>Opens a torrent that has no state yet.</summary>
    public async Task<OpeningEnd> OpenAsync(Caller caller, InitRequest request, CancellationToken cancellationToken)
    {
        var (plan, oldPlace) = await PlanAsync(caller, request, cancellationToken).ConfigureAwait(false);
        if (plan.Store is null)
        {
            return new OpeningEnd(null, false, plan.Refusal);
        }

        // Given back when the session ends: that of a torrent which could not be opened does at once.
        if (quotas.Reserve(plan.Store, caller.Grants.Quota) is { } full)
        {
            return new OpeningEnd(null, false, full);
        }

        try
        {
            var opened = await store.OpenAsync(plan.Store, cancellationToken).ConfigureAwait(false);
            return new OpeningEnd(opened.Storage, plan.OwnNames, opened.Refusal, oldPlace);
        }
        catch (StorageException e)
        {
            return new OpeningEnd(null, false, Describe(e));
        }
    }

    /// <summary>What opening would do, in words; nothing is written anywhere.</summary>
    public async Task<Refusal> DescribeAsync(Caller caller, InitRequest request, CancellationToken cancellationToken)
    {
        var (plan, _) = await PlanAsync(caller, request, cancellationToken).ConfigureAwait(false);
        if (plan.Store is not { } next)
        {
            return plan.Refusal!;
        }

        var bytes = next.Manifest.Files.Where(file => next.Selection.IsSelected(file.Index)).Sum(static file => file.Length);
        var folder = string.Join('/', [options.Current.DataRoot.TrimEnd('/'), .. next.Place.SubPath]);
        return new Refusal(
            RefusalReason.DryRun,
            Shorten($"Dry run: {next.Selection.SelectedCount} files, {bytes} bytes would be received below {folder}."),
            NeededBytes: bytes);
    }

    /// <summary>
    /// Gives an open torrent the selection, place and names that are asked for now. A place that cannot be taken leaves the old one, and the rest is
    /// taken all the same. Refused, nothing has changed.
    /// </summary>
    public async Task<OpeningEnd> ReshapeAsync(ITorrentStorage storage, Caller caller, InitRequest request, CancellationToken cancellationToken)
    {
        var stored = storage.Request;
        ClientDescription? describes = null;
        var oldPlace = storage.AddedByUs;
        try
        {
            describes = await DescribeClientAsync(cancellationToken).ConfigureAwait(false);
            if (!storage.AddedByUs)
            {
                var found = await AskClientAsync(stored.Manifest, request, cancellationToken).ConfigureAwait(false);
                if (found.Refusal is not null)
                {
                    return new OpeningEnd(null, false, found.Refusal);
                }

                oldPlace = found.Place is not null;
            }
        }
        catch (TorrentClientException e) when (!storage.AddedByUs)
        {
            return Refuse(RefusalReason.ClientUnreachable, e.Message);
        }
        catch (TorrentClientException)
        {
            // Ours, and journaled: it goes on without the client.
        }

        var plan = OpeningPlan.Reshape(stored, caller, request, describes is null or { Capabilities.RenamesFiles: true });
        if (plan.Store is { } next && describes is not null && ClientPresence.RefuseKind(next, describes) is { } unsupported)
        {
            return new OpeningEnd(null, false, unsupported);
        }

        if ((plan.Refusal ?? quotas.Reserve(plan.Store!, caller.Grants.Quota)) is { } refused)
        {
            return new OpeningEnd(null, false, refused);
        }

        var wanted = plan.Store!;
        OpeningEnd? end = null;
        try
        {
            // Once the client has it, only the client could move it; then, and when the new place cannot be had, the old one counts.
            var kept = wanted with { Place = stored.Place, FileNames = stored.FileNames };
            var changed = oldPlace ? null : await ChangeAsync(storage, wanted, cancellationToken).ConfigureAwait(false);
            if (changed is null || (changed.Refusal is { } refusal && IsAboutPlace(refusal) && !HasSamePaths(stored, wanted)))
            {
                oldPlace = !HasSamePaths(stored, wanted);
                changed = await ChangeAsync(storage, kept, cancellationToken).ConfigureAwait(false);
            }

            return end = new OpeningEnd(changed.Storage, plan.OwnNames, changed.Refusal, oldPlace);
        }
        catch (StorageException e)
        {
            return new OpeningEnd(null, false, Describe(e));
        }
        finally
        {
            if (end?.Storage is null)
            {
                quotas.Restore(stored);
            }
        }
    }

    /// <summary>Whether every file of the manifest keeps its name.</summary>
    public static bool HasSameNames(StoreRequest one, StoreRequest other) =>
        one.Manifest.Files.All(file => one.FileNames[file.Index].SequenceEqual(other.FileNames[file.Index]));

    private async ValueTask<StoreOpenOutcome> ChangeAsync(ITorrentStorage storage, StoreRequest next, CancellationToken cancellationToken)
    {
        if (storage.Request.Selection.Equals(next.Selection) && HasSamePaths(storage.Request, next))
        {
            await storage.SetIdentitiesAsync(next.Identities, next.FilesDigest, cancellationToken).ConfigureAwait(false);
            return new StoreOpenOutcome(storage, null);
        }

        if (storage.Phase != StoredPhase.Receiving)
        {
            // First, so that a crash never leaves a phase that stood for the old shape.
            await storage.SetPhaseAsync(StoredPhase.Receiving, null, cancellationToken).ConfigureAwait(false);
        }

        return await store.ReshapeAsync(storage, next, cancellationToken).ConfigureAwait(false);
    }

    private static bool HasSamePaths(StoreRequest one, StoreRequest other) =>
        one.Place.SubPath.SequenceEqual(other.Place.SubPath) && one.Place.Layout == other.Place.Layout && HasSameNames(one, other);

    private static bool IsAboutPlace(Refusal refusal) =>
        refusal.Reason is RefusalReason.PathConflict or RefusalReason.PathRefused or RefusalReason.InvalidTorrent;

    private async Task<(OpeningPlan Plan, bool OldPlace)> PlanAsync(Caller caller, InitRequest request, CancellationToken cancellationToken)
    {
        TorrentManifest manifest;
        try
        {
            manifest = TorrentManifest.Parse(request.Torrent, options.Current.Limits);
        }
        catch (TorrentFormatException e)
        {
            return (new OpeningPlan(null, false, new Refusal(GetReason(e.Reason), Shorten(e.Message))), false);
        }

        if (manifest.Id != request.Id)
        {
            return (new OpeningPlan(null, false, new Refusal(RefusalReason.InfoHashMismatch, $"The .torrent is that of {manifest.Id}.")), false);
        }

        try
        {
            var describes = await DescribeClientAsync(cancellationToken).ConfigureAwait(false);
            var plan = OpeningPlan.Make(
                manifest, request.Torrent, caller, request, describes is null or { Capabilities.RenamesFiles: true });
            if (plan.Store is null)
            {
                return (plan, false);
            }

            if (describes is not null && ClientPresence.RefuseKind(plan.Store, describes) is { } unsupported)
            {
                return (new OpeningPlan(null, false, unsupported), false);
            }

            var found = await AskClientAsync(manifest, request, cancellationToken).ConfigureAwait(false);
            if (found.Refusal is not null)
            {
                return (new OpeningPlan(null, false, found.Refusal), false);
            }

            // What a user seeds here already is read where it is, under the names that it has there.
            return found.Place is { } place
                ? (plan with { Store = plan.Store with { Place = place, FileNames = found.FileNames! } }, !IsSame(place, request.Place))
                : (plan, false);
        }
        catch (TorrentClientException e)
        {
            return (new OpeningPlan(null, false, new Refusal(RefusalReason.ClientUnreachable, Shorten(e.Message))), false);
        }
    }

    private async ValueTask<ClientDescription?> DescribeClientAsync(CancellationToken cancellationToken) =>
        client is null ? null : await client.DescribeAsync(refresh: false, cancellationToken).ConfigureAwait(false);

    private static bool IsSame(Place one, Place other) => one.Layout == other.Layout && one.SubPath.SequenceEqual(other.SubPath);

    private static Refusal Describe(StorageException e) => new(e.Fault.ToReason(), Shorten(e.Message));

    private static OpeningEnd Refuse(RefusalReason reason, string detail) => new(null, false, new Refusal(reason, Shorten(detail)));

    private static string Shorten(string text) => text.Length <= 512 ? text : text[..512];

    private static RefusalReason GetReason(TorrentFormatReason reason) => reason switch
    {
        TorrentFormatReason.Malformed or TorrentFormatReason.TooLarge => RefusalReason.InvalidTorrent,
        TorrentFormatReason.Unsupported => RefusalReason.Unsupported,
        TorrentFormatReason.Inconsistent => RefusalReason.TorrentInconsistent,
    };
}
