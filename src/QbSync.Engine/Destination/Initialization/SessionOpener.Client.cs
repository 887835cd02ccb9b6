using QbSync.Engine.Destination.Finalization;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination.Initialization;

internal sealed partial class SessionOpener
{
    /// <summary>
    /// What the client has of a torrent that we did not add: nothing, something in the way, or all that is wanted, whole, in a place below our root
    /// that is then taken as it is.
    /// </summary>
    private async Task<ClientFind> AskClientAsync(TorrentManifest manifest, InitRequest request, CancellationToken cancellationToken)
    {
        if (client is null || await client.FindAsync(manifest.V1, manifest.V2, cancellationToken).ConfigureAwait(false) is not { } status)
        {
            return new ClientFind(null, null, null);
        }

        if (ClientPresence.Refuse(status) is { } refusal)
        {
            return new ClientFind(refusal, null, null);
        }

        if (ClientPaths.TryGetBelow(options.Current.SavePath, status.SavePath) is not { } subPath
            || (subPath.Count > 0 && PathRules.CheckPath(subPath) is not null))
        {
            return new ClientFind(
                new Refusal(RefusalReason.ClientElsewhere, Shorten($"The client here has the torrent at {status.SavePath}, outside {options.Current.SavePath}.")), null, null);
        }

        var place = new Place(request.Place.Root, subPath, request.Place.Layout);
        var names = ContentPaths.Of(manifest, place.Layout);
        var files = await client.GetFilesAsync(status.Id, cancellationToken).ConfigureAwait(false);
        if (ClientFileMap.TryMatch(manifest, names, names, files) is not { } map || !Selection.TryFromBytes(manifest, request.Selection.Span, out var selection))
        {
            return new ClientFind(new Refusal(RefusalReason.ClientChecking, "The client here has the torrent and shows no file list that fits it."), null, null);
        }

        if (map.Any(one => selection!.IsSelected(one.Key) && !one.Value.Selected))
        {
            return new ClientFind(new Refusal(RefusalReason.ClientIncomplete, "The client here has the torrent, not added by QbSync, with fewer files."), null, null);
        }

        IReadOnlyList<string>[] shown = [.. manifest.Files.Select(file => map.TryGetValue(file.Index, out var one) ? one.Path.Split('/') : (IReadOnlyList<string>)[])];
        var paths = manifest.Files.Where(static file => file.IsReal).Select(file => (IReadOnlyList<string>)[.. subPath, .. shown[file.Index]]);
        return PathRules.CheckAll(paths) is { } fault
            ? new ClientFind(new Refusal(RefusalReason.ClientElsewhere, Shorten($"The client here has a file under a name that cannot be used: {fault.Path}.")), null, null)
            : new ClientFind(null, place, shown);
    }

    /// <summary>What the client has.</summary>
    /// <param name="Refusal">Why the torrent cannot be taken.</param>
    /// <param name="Place">Where a whole torrent of others lies.</param>
    /// <param name="FileNames">The names of its files there.</param>
    private sealed record ClientFind(Refusal? Refusal, Place? Place, IReadOnlyList<IReadOnlyList<string>>? FileNames);
}
