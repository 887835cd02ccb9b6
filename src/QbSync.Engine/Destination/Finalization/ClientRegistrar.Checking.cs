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

    /// <summary>How often a client refreshes what it tells, where it does not say.</summary>
    private static readonly TimeSpan UsualTick = TimeSpan.FromSeconds(1.5);

    /// <summary>Lets the client check the content until it ends well; else why it did not.</summary>
    private async Task<RegistrationEnd?> CheckAsync(FinalizeRun run, TorrentStatus status, CancellationToken lease)
    {
        var seen = status;
        for (var tries = 0; tries < MaxChecks; tries++)
        {
            if (IsBroken(seen.State))
            {
                Note(run, seen.State == ClientTorrentState.Error ? ClientViolation.Errored : ClientViolation.MissingFiles);
                if (run.SawMissingFiles)
                {
                    return MissingFiles(run, seen);
                }

                run.SawMissingFiles = true;
                if (await FindLostAsync(run, lease).ConfigureAwait(false) is { } lost)
                {
                    return lost;
                }
            }

            run.Checks++;
            run.Report(FinalizeStage.Checking);
            Log.Checks(logger, run.Storage.Request.Manifest.Id);
            await client.RecheckAsync(seen.Id, lease).ConfigureAwait(false);
            var began = time.GetTimestamp();
            var staleFor = await GetStaleTimeAsync(lease).ConfigureAwait(false);
            var checking = false;
            var (after, stuck) = await WaitForCheckAsync(
                run, seen.Id, (_, askedAt) => checking || time.GetElapsedTime(began, askedAt) >= staleFor, lease, () => checking = true).ConfigureAwait(false);
            if (after is null)
            {
                return new RegistrationEnd.Waits(new Refusal(RefusalReason.ClientChecking, "The torrent left the client."), options.PollInterval);
            }

            if (!stuck && after.IsComplete && await HasPiecesAsync(run, after.Id, lease).ConfigureAwait(false))
            {
                return null;
            }

            // On the downloading side it would fill what it lacks from the swarm, over files of ours.
            seen = after.State.IsActive() ? await StopAsync(run, after, lease).ConfigureAwait(false) ?? after : after;
        }

        return IsBroken(seen.State)
            ? MissingFiles(run, seen)
            : new RegistrationEnd.Fails(new Refusal(
                RefusalReason.ClientRefused, $"The client here checked the torrent at {seen.SavePath} and ended in state {seen.State}, {seen.AmountLeft} bytes left."));
    }

    /// <summary>
    /// Waits until the client neither checks nor moves the torrent and <paramref name="over"/> agrees. Only lack of progress ends it, and not while
    /// another torrent is being checked, since a client checks one after another.
    /// </summary>
    private async Task<(TorrentStatus? Status, bool Stuck)> WaitForCheckAsync(
        FinalizeRun run, ClientTorrentId id, Func<TorrentStatus, long, bool> over, CancellationToken lease, Action? sawChecking = null)
    {
        var moved = time.GetTimestamp();
        var progress = -1.0;
        var stuck = false;
        var (_, seen) = await readBack.UntilAsync(
            ClientChange.Recheck,
            id,
            (status, askedAt) =>
            {
                if (status is null)
                {
                    return true;
                }

                var unsettled = ClientPresence.IsUnsettled(status.State);
                if (unsettled)
                {
                    sawChecking?.Invoke();
                    run.Report(FinalizeStage.Checking, (long)(status.Progress * 1000), 1000);
                }

                if (status.Progress != progress || watch.Snapshot is { CheckingCount: > 1 })
                {
                    (progress, moved) = (status.Progress, time.GetTimestamp());
                }

                stuck = time.GetElapsedTime(moved) >= options.PollTimeout;
                return stuck || (!unsettled && over(status, askedAt));
            },
            lease).ConfigureAwait(false);
        return (seen, stuck);
    }

    /// <summary>Two refresh ticks of the client and a half second: what was asked for sooner may still show the state before the check.</summary>
    private async Task<TimeSpan> GetStaleTimeAsync(CancellationToken lease)
    {
        var tick = (await client.DescribeAsync(refresh: false, lease).ConfigureAwait(false)).Tick;
        return ((tick > UsualTick ? tick : UsualTick) * 2) + TimeSpan.FromSeconds(0.5);
    }

    private async Task<bool> HasPiecesAsync(FinalizeRun run, ClientTorrentId id, CancellationToken lease)
    {
        try
        {
            var pieces = await client.GetPiecesAsync(id, run.Storage.Request.Manifest.PieceCount, lease).ConfigureAwait(false);
            return run.Storage.Layout.IsComplete(pieces);
        }
        catch (TorrentClientException e) when (e.Fault is ClientFault.Unsupported)
        {
            return true;
        }
    }

    private static bool IsBroken(ClientTorrentState state) => state is ClientTorrentState.MissingFiles or ClientTorrentState.Error;

    private static RegistrationEnd.Fails MissingFiles(FinalizeRun run, TorrentStatus seen) => new(new Refusal(
        RefusalReason.ClientMissingFiles,
        $"The client here shows {seen.State} for {run.Storage.Request.Manifest.Name}: it looks for the files at {seen.SavePath}. Do the save path and the data folder name one place?"));
}
