using QbSync.Engine.Destination.Initialization;
using QbSync.Engine.Shared;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination.Finalization;

internal sealed partial class ClientRegistrar
{
    /// <summary>Checks that we ask for at most: one that a user's stop abandons deserves a second.</summary>
    private const int MaxChecks = 2;

    /// <summary>Lines of the client's log that go into a reason, and the length of each.</summary>
    private const int MaxLines = 2, MaxLineLength = 240;

    /// <summary>How old they may be.</summary>
    private static readonly TimeSpan LogAge = TimeSpan.FromSeconds(60);

    /// <summary>Lets the client check the content until it ends well; what is seen then, else why it did not.</summary>
    private async Task<(TorrentStatus? After, RegistrationEnd? Bad)> CheckAsync(
        FinalizeRun run, TorrentStatus status, ClientDescription describes, CancellationToken lease)
    {
        var seen = status;
        for (var tries = 0; tries < MaxChecks; tries++)
        {
            if (IsBroken(seen.State))
            {
                Note(run, seen.State == ClientTorrentState.Error ? ClientViolation.Errored : ClientViolation.MissingFiles);
                if (run.SawMissingFiles)
                {
                    return (null, await MissingFilesAsync(run, seen, lease).ConfigureAwait(false));
                }

                run.SawMissingFiles = true;
                if (await FindLostAsync(run, lease).ConfigureAwait(false) is { } lost)
                {
                    return (null, lost);
                }
            }

            if (ClientPresence.RefuseCheck(describes) is { } uncheckable)
            {
                return (null, IsBroken(seen.State) ? await MissingFilesAsync(run, seen, lease).ConfigureAwait(false) : new RegistrationEnd.Fails(uncheckable));
            }

            run.Checks++;
            run.Report(FinalizeStage.Checking);
            Log.Checks(logger, run.Storage.Request.Manifest.Id);
            var end = await _check.RunAsync(
                seen, run.Storage.Layout, progress => run.Report(FinalizeStage.Checking, (long)(progress * 1000), 1000), lease).ConfigureAwait(false);
            if (end.Status is not { } after)
            {
                return (null, new RegistrationEnd.Waits(new Refusal(RefusalReason.ClientChecking, "The torrent left the client."), options.Current.PollInterval));
            }

            if (end.IsGood)
            {
                return (after, null);
            }

            // On the downloading side it would fill what it lacks from the swarm, over files of ours.
            seen = after.State.IsActive() ? await StopAsync(run, after, lease).ConfigureAwait(false) ?? after : after;
            if (run.SawMissingFiles && HasNothing(seen))
            {
                break; // it said so before it was asked to check, so no user's stop gave that up
            }
        }

        if (IsBroken(seen.State) || HasNothing(seen))
        {
            return (null, await MissingFilesAsync(run, seen, lease).ConfigureAwait(false));
        }

        return (null, new RegistrationEnd.Fails(new Refusal(
            RefusalReason.ClientRefused, $"The client here checked the torrent at {seen.SavePath} and ended in state {seen.State}, {seen.AmountLeft} bytes left.")));
    }

    private static bool IsBroken(ClientTorrentState state) => state is ClientTorrentState.MissingFiles or ClientTorrentState.Error;

    private static bool HasNothing(TorrentStatus status) => status is { State: ClientTorrentState.StoppedDl, Progress: 0 };

    /// <summary>The end of a torrent whose files the client does not find or cannot read, with its own words where it has some.</summary>
    private async Task<RegistrationEnd.Fails> MissingFilesAsync(FinalizeRun run, TorrentStatus seen, CancellationToken lease)
    {
        _canary.Failed(run.Storage.Request.Place.Root);
        var name = run.Storage.Request.Manifest.Name;
        var what = IsBroken(seen.State) ? $"shows {seen.State} for {name}" : $"finds nothing of {name}";
        var words = await ReadLogAsync(run, seen, lease).ConfigureAwait(false);
        return new RegistrationEnd.Fails(new Refusal(
            RefusalReason.ClientMissingFiles,
            $"The client here {what}: it looks for the files at {seen.SavePath}. Do the save path and the data folder name one place, and may it read there?{words}"));
    }

    /// <summary>What the client's own log said of the torrent just now. For people only; a client without an answer adds nothing.</summary>
    private async Task<string> ReadLogAsync(FinalizeRun run, TorrentStatus seen, CancellationToken lease)
    {
        try
        {
            var manifest = run.Storage.Request.Manifest;
            string[] names = [.. new[] { manifest.Name, manifest.V1.ToString(), manifest.V2.ToString(), seen.Id.Value }.Where(static name => name.Length > 0)];
            var since = time.GetUtcNow() - LogAge;
            var lines = (await client.GetLogAsync(lease).ConfigureAwait(false))
                .Where(line => line.At >= since && names.Any(name => line.Text.Contains(name, StringComparison.OrdinalIgnoreCase)))
                .Select(static line => Shorten(line.Text))
                .Distinct()
                .TakeLast(MaxLines);
            return string.Concat(lines.Select(static line => $" It says: {line}"));
        }
        catch (TorrentClientException)
        {
            return "";
        }
    }

    private static string Shorten(string text)
    {
        var line = string.Concat(text.Select(static letter => char.IsControl(letter) ? ' ' : letter)).Trim();
        return line.Length <= MaxLineLength ? line : line[..MaxLineLength] + "…";
    }
}
