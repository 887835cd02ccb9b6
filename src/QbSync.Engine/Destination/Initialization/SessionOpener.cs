using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination.Initialization;

/// <summary>How opening a session ended.</summary>
/// <param name="Storage">The torrent's storage, unless refused.</param>
/// <param name="OwnNames">Whether the source's file names were not taken.</param>
/// <param name="Refusal">Why not; then nothing was created.</param>
internal sealed record OpeningEnd(ITorrentStorage? Storage, bool OwnNames, Refusal? Refusal);

/// <summary>Opens torrents: parses and checks what was sent, asks the client what it has, and makes storage last. Stateless.</summary>
internal sealed class SessionOpener(DestinationOptions options, ITorrentStore store, ITorrentClient? client)
{
    /// <summary>Opens a torrent that has no state yet.</summary>
    public async Task<OpeningEnd> OpenAsync(Caller caller, InitRequest request, bool addedByUs, CancellationToken cancellationToken)
    {
        TorrentManifest manifest;
        try
        {
            manifest = TorrentManifest.Parse(request.Torrent, options.Limits);
        }
        catch (TorrentFormatException e)
        {
            return Refuse(GetReason(e.Reason), e.Message);
        }

        if (manifest.Id != request.Id)
        {
            return Refuse(RefusalReason.InfoHashMismatch, $"The .torrent is that of {manifest.Id}.");
        }

        var canRename = true;
        try
        {
            canRename = client is null || (await client.DescribeAsync(refresh: false, cancellationToken).ConfigureAwait(false)).CanRename;
            if (!addedByUs && await AskClientAsync(manifest, request, cancellationToken).ConfigureAwait(false) is { } refusal)
            {
                return new OpeningEnd(null, false, refusal);
            }
        }
        catch (TorrentClientException e)
        {
            return Refuse(RefusalReason.ClientUnreachable, e.Message);
        }

        var plan = OpeningPlan.Make(manifest, request.Torrent, caller, request, canRename);
        if (plan.Store is null)
        {
            return new OpeningEnd(null, false, plan.Refusal);
        }

        try
        {
            var opened = await store.OpenAsync(plan.Store, cancellationToken).ConfigureAwait(false);
            return new OpeningEnd(opened.Storage, plan.OwnNames, opened.Refusal);
        }
        catch (StorageException e)
        {
            return Refuse(e.Fault.ToReason(), e.Message);
        }
    }

    private async Task<Refusal?> AskClientAsync(TorrentManifest manifest, InitRequest request, CancellationToken cancellationToken)
    {
        if (client is null || await client.FindAsync(manifest.V1, manifest.V2, cancellationToken).ConfigureAwait(false) is not { } status)
        {
            return null;
        }

        var selected = Selection.TryFromBytes(manifest, request.Selection.Span, out var selection)
            ? manifest.Files.Where(file => selection!.IsSelected(file.Index)).Sum(static file => file.Length)
            : 0;
        return ClientPresence.Refuse(status, ClientPaths.Join(options.SavePath, request.Place.SubPath), selected);
    }

    private static OpeningEnd Refuse(RefusalReason reason, string detail) =>
        new(null, false, new Refusal(reason, detail.Length <= 512 ? detail : detail[..512]));

    private static RefusalReason GetReason(TorrentFormatReason reason) => reason switch
    {
        TorrentFormatReason.Malformed or TorrentFormatReason.TooLarge => RefusalReason.InvalidTorrent,
        TorrentFormatReason.Unsupported => RefusalReason.Unsupported,
        TorrentFormatReason.Inconsistent => RefusalReason.TorrentInconsistent,
    };
}
