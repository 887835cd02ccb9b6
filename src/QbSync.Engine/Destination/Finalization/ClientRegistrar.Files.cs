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
                ? new RegistrationEnd.Waits(new Refusal(RefusalReason.ClientChecking, "The client shows no files yet."), options.PollInterval)
                : new RegistrationEnd.Fails(new Refusal(RefusalReason.ClientRefused, "The client here shows another file list than the torrent has.")));
        }

        var changed = false;
        foreach (var (index, shown) in map)
        {
            var wanted = string.Join('/', storage.Request.FileNames[index]);
            if (shown.Path == wanted || !storage.Layout.Selection.IsSelected(index))
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
            var (wrong, right) = await SelectAsync(run, id, lease).ConfigureAwait(false);
            changed |= wrong;
            if (right)
            {
                return (changed, null);
            }
        }

        return (true, new RegistrationEnd.Fails(new Refusal(RefusalReason.ClientRefused, "The client here does not keep which files are selected.")));
    }

    private async Task<bool> RenameAsync(ClientTorrentId id, ClientFile file, string wanted, CancellationToken lease)
    {
        await client.RenameFileAsync(id, file.Path, wanted, lease).ConfigureAwait(false);
        return await SeeFilesAsync(
            id, files => files.Any(one => one.Index == file.Index && one.Path == wanted), TimeSpan.FromSeconds(10), lease).ConfigureAwait(false);
    }

    /// <summary>Sets the selection where it differs. Whether it differed, and whether it is equal now.</summary>
    private async Task<(bool Wrong, bool Right)> SelectAsync(FinalizeRun run, ClientTorrentId id, CancellationToken lease)
    {
        var storage = run.Storage;
        var files = await client.GetFilesAsync(id, lease).ConfigureAwait(false);
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
            : (true, await SeeFilesAsync(id, IsAsSelected, TimeSpan.FromSeconds(30), lease).ConfigureAwait(false));

        bool IsAsSelected(IReadOnlyList<ClientFile> seen) =>
            ClientFileMap.TryMatch(storage.Request, seen)?.All(one => one.Value.Selected == storage.Layout.Selection.IsSelected(one.Key)) ?? false;
    }

    /// <summary>Reads the file list until it is as it should be: after 0.5 s, then with doubling pauses up to 5 s.</summary>
    private async Task<bool> SeeFilesAsync(
        ClientTorrentId id, Func<IReadOnlyList<ClientFile>, bool> holds, TimeSpan bound, CancellationToken lease)
    {
        var began = time.GetTimestamp();
        var pause = TimeSpan.FromMilliseconds(500);
        while (true)
        {
            if (holds(await client.GetFilesAsync(id, lease).ConfigureAwait(false)))
            {
                return true;
            }

            if (time.GetElapsedTime(began) >= bound)
            {
                return false;
            }

            await Task.Delay(pause, time, lease).ConfigureAwait(false);
            pause = TimeSpan.FromMilliseconds(Math.Min(5000, pause.TotalMilliseconds * 2));
        }
    }
}
