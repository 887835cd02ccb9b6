using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Tests.Source.World;

internal sealed partial class MemoryDestination
{
    /// <summary>What Start answers instead; null for the truth.</summary>
    public Func<StartRequest, StartOutcome?> OnStart { get; set; } = static _ => null;

    /// <summary>What ConfirmHandoff answers instead; null for the truth.</summary>
    public Func<ConfirmHandoffRequest, ConfirmOutcome?> OnConfirm { get; set; } = static _ => null;

    /// <summary>What Abort answers instead; null for the truth.</summary>
    public Func<AbortRequest, AbortOutcome?> OnAbort { get; set; } = static _ => null;

    public ValueTask<StartOutcome> StartAsync(Caller caller, StartRequest request, CancellationToken cancellationToken)
    {
        Enter($"Start{request.Cause}", caller);
        if (OnStart(request) is { } instead)
        {
            return new(instead);
        }

        lock (_gate)
        {
            if (!_torrents.TryGetValue(request.Id, out var torrent))
            {
                return new(new StartOutcome.Unknown());
            }

            if (torrent.State is not (DestinationTorrentState.Complete or DestinationTorrentState.HandedOff))
            {
                return new(new StartOutcome.Refused(new Refusal(RefusalReason.Incomplete)));
            }

            if (torrent is { IsClosed: true, IsActive: false })
            {
                return new(new StartOutcome.Refused(new Refusal(RefusalReason.NotSeeding)));
            }

            torrent.Parameters = request.Parameters;
            torrent.State = DestinationTorrentState.HandedOff;
            torrent.IsActive = true;
            return new(new StartOutcome.Started(ViewOf(torrent)));
        }
    }

    public ValueTask<WithdrawOutcome> WithdrawAsync(Caller caller, WithdrawRequest request, CancellationToken cancellationToken)
    {
        Enter("Withdraw", caller);
        lock (_gate)
        {
            if (!_torrents.TryGetValue(request.Id, out var torrent))
            {
                return new(new WithdrawOutcome.Done(null));
            }

            if (torrent.State == DestinationTorrentState.HandedOff && !torrent.IsClosed)
            {
                torrent.State = DestinationTorrentState.Complete;
                torrent.IsActive = false;
            }

            return new(new WithdrawOutcome.Done(ViewOf(torrent)));
        }
    }

    public ValueTask<ConfirmOutcome> ConfirmHandoffAsync(Caller caller, ConfirmHandoffRequest request, CancellationToken cancellationToken)
    {
        Enter("Confirm", caller);
        if (OnConfirm(request) is { } instead)
        {
            return new(instead);
        }

        lock (_gate)
        {
            if (!_torrents.TryGetValue(request.Id, out var torrent))
            {
                return new(new ConfirmOutcome.Unknown());
            }

            if (request.Tag.Length > 0)
            {
                torrent.Tags.Add(request.Tag);
            }

            torrent.State = DestinationTorrentState.HandedOff;
            torrent.IsClosed = true;
            return new(new ConfirmOutcome.Done());
        }
    }

    private ClientView ViewOf(HeldTorrent torrent) => new(
        torrent.IsActive ? ClientTorrentState.StalledUp : ClientTorrentState.StoppedUp, 1, 0, time.GetUtcNow());
}
