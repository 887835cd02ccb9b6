using QbSync.Engine.Destination.Initialization;
using QbSync.Engine.Shared;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination.Finalization;

/// <summary>How a check by the client ended.</summary>
/// <param name="Status">The torrent as it was seen in the end; null when the client lost it.</param>
/// <param name="IsGood">It is whole, and the client has every piece that is wanted.</param>
/// <param name="IsStuck">The check made no progress for too long.</param>
internal sealed record ClientCheckEnd(TorrentStatus? Status, bool IsGood, bool IsStuck);

/// <summary>
/// One check by the client, from asking for it to its judged end. A client tells what it knew a tick ago, so for a while after the request a torrent may
/// still look as it did before, pieces and all; such an answer judges nothing. Stateless, thread-safe.
/// </summary>
/// <param name="othersAreChecked">Whether other torrents are checked now: a client checks one after another.</param>
/// <param name="patience">How long a check may stand still.</param>
internal sealed class ClientCheck(ITorrentClient client, ReadBack readBack, Func<bool> othersAreChecked, TimeSpan patience, TimeProvider time)
{
    /// <summary>For the way of the request and of the answer.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(0.5);

    /// <summary>Asks for a check, waits until it is over, and judges it. Nothing is stopped meanwhile: that would give the check up.</summary>
    /// <param name="before">The torrent as it was seen last.</param>
    public async Task<ClientCheckEnd> RunAsync(TorrentStatus before, PieceLayout layout, Action<double> report, CancellationToken lease)
    {
        var id = before.Id;
        if (before.State == ClientTorrentState.Error)
        {
            // In error it is held back inside the client, and its check would never begin; a stop, though it does not show, ends that.
            await client.StopAsync([id], whileChecking: false, lease).ConfigureAwait(false);
        }

        var staleFor = (2 * (await client.DescribeAsync(refresh: false, lease).ConfigureAwait(false)).Tick) + Margin;
        await client.RecheckAsync(id, lease).ConfigureAwait(false);
        var began = time.GetTimestamp();
        var checking = false;
        var (status, stuck) = await WaitAsync(
            id,
            (_, askedAt) => checking || time.GetElapsedTime(began, askedAt) >= staleFor,
            seen =>
            {
                checking |= seen.State.IsChecking();
                report(seen.Progress);
            },
            lease).ConfigureAwait(false);
        var isGood = status is { IsComplete: true } && !stuck && await HasPiecesAsync(id, layout, lease).ConfigureAwait(false);
        return new ClientCheckEnd(status, isGood, stuck);
    }

    /// <summary>
    /// Waits until the client neither checks nor moves the torrent and <paramref name="over"/> agrees. Only lack of progress ends it, and not while
    /// another torrent is being checked.
    /// </summary>
    /// <param name="over">Is told when the answer was asked for, too.</param>
    /// <param name="sawUnsettled">Is told each answer that shows it in the midst of something.</param>
    public async Task<(TorrentStatus? Status, bool Stuck)> WaitAsync(
        ClientTorrentId id, Func<TorrentStatus, long, bool> over, Action<TorrentStatus> sawUnsettled, CancellationToken lease)
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
                    sawUnsettled(status);
                }

                if (status.Progress != progress || othersAreChecked())
                {
                    (progress, moved) = (status.Progress, time.GetTimestamp());
                }

                stuck = time.GetElapsedTime(moved) >= patience;
                return stuck || (!unsettled && over(status, askedAt));
            },
            lease).ConfigureAwait(false);
        return (seen, stuck);
    }

    private async Task<bool> HasPiecesAsync(ClientTorrentId id, PieceLayout layout, CancellationToken lease)
    {
        try
        {
            return layout.IsComplete(await client.GetPiecesAsync(id, layout.Manifest.PieceCount, lease).ConfigureAwait(false));
        }
        catch (TorrentClientException e) when (e.Fault is ClientFault.Unsupported)
        {
            return true;
        }
    }
}
