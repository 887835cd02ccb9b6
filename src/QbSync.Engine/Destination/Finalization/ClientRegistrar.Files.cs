using QbSync.Engine.Shared;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination.Finalization;

internal sealed partial class ClientRegistrar
{
    /// <summary>Indices of one call.</summary>
    private const int IndicesPerCall = 500;

    /// <summary>Rounds of setting the selection before the client counts as unwilling.</summary>
    private const int MaxSelectionRounds = 3;

    /// <summary>Makes the client's names and selection those of the disk. Whether anything was changed, and why it could not be.</summary>
    private async Task<(bool Changed, RegistrationEnd? End)> ArrangeFilesAsync(FinalizeRun run, ClientTorrentId id, CancellationToken lease)
    {
        var storage = run.Storage;
        var files = await client.GetFilesAsync(id, lease).ConfigureAwait(false);
        if (ClientFileMap.TryMatch(storage.Request, files) is not { } map)
        {
            return (false, files.Count == 0
                ? new RegistrationEnd.Waits(new Refusal(RefusalReason.ClientChecking, "The client shows no files yet."), options.Current.PollInterval)
                : new RegistrationEnd.Fails(new Refusal(RefusalReason.ClientRefused, "The client here shows another file list than the torrent has.")));
        }

        var changed = false;
        foreach (var (index, shown) in map)
        {
            var wanted = string.Join('/', storage.Request.FileNames[index]);
            if (shown.Path == wanted || !storage.Layout.Selection.IsSelected(index) || (!shown.Selected && IsSetAside(shown.Path, wanted)))
            {
                continue;
            }

            changed = true;
            if (!await RenameAsync(id, shown, wanted, lease).ConfigureAwait(false))
            {
                return (true, new RegistrationEnd.Fails(new Refusal(RefusalReason.ClientRefused, $"The client here does not rename {shown.Path} to {wanted}.")));
            }
        }

        for (var round = 0; round < MaxSelectionRounds; round++)
        {
            if (changed)
            {
                files = await client.GetFilesAsync(id, lease).ConfigureAwait(false);
            }

            var (wrong, right) = await SelectAsync(run, id, files, lease).ConfigureAwait(false);
            changed |= wrong;
            if (right)
            {
                return (changed, null);
            }
        }

        return (true, new RegistrationEnd.Fails(new Refusal(RefusalReason.ClientRefused, "The client here does not keep which files are selected.")));
    }

    /// <summary>4.2 shows a file that is not selected in a folder beside the others; once it is selected, it is shown where it belongs.</summary>
    private static bool IsSetAside(string shown, string wanted)
    {
        var folder = wanted.LastIndexOf('/') + 1;
        return shown == $"{wanted[..folder]}.unwanted/{wanted[folder..]}";
    }

    private async Task<bool> RenameAsync(ClientTorrentId id, ClientFile file, string wanted, CancellationToken lease)
    {
        await client.RenameFileAsync(id, file.Path, wanted, lease).ConfigureAwait(false);
        return await readBack.UntilFilesAsync(
            ClientChange.RenameFile, id, files => files.Any(one => one.Index == file.Index && one.Path == wanted), lease).ConfigureAwait(false);
    }

    /// <summary>Sets the selection where it differs. Whether it differed, and whether it is equal now.</summary>
    private async Task<(bool Wrong, bool Right)> SelectAsync(
        FinalizeRun run, ClientTorrentId id, IReadOnlyList<ClientFile> files, CancellationToken lease)
    {
        var storage = run.Storage;
        if (ClientFileMap.TryMatch(storage.Request, files) is not { } map)
        {
            return (false, false);
        }

        var wrong = map.Where(one => one.Value.Selected != storage.Layout.Selection.IsSelected(one.Key)).ToArray();
        foreach (var group in wrong.GroupBy(static one => one.Value.Selected, static one => one.Value.Index))
        {
            foreach (var indices in group.Chunk(IndicesPerCall))
            {
                await client.SelectAsync(id, indices, !group.Key, lease).ConfigureAwait(false);
            }
        }

        return wrong.Length == 0
            ? (false, true)
            : (true, await readBack.UntilFilesAsync(ClientChange.Select, id, IsAsSelected, lease).ConfigureAwait(false));

        bool IsAsSelected(IReadOnlyList<ClientFile> seen) =>
            ClientFileMap.TryMatch(storage.Request, seen)?.All(one => one.Value.Selected == storage.Layout.Selection.IsSelected(one.Key)) ?? false;
    }
}
