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

    /// <summary>What Prove answers instead; null for the truth, which it is given.</summary>
    public Func<Proof, ProveOutcome?> OnProve { get; set; } = static _ => null;

    /// <summary>What Withdraw answers instead; null for the truth.</summary>
    public Func<WithdrawRequest, WithdrawOutcome?> OnWithdraw { get; set; } = static _ => null;

    /// <summary>Called before a call has an effect; what it throws is the call's answer.</summary>
    public Func<string, ValueTask> Before { get; set; } = static _ => default;

    /// <summary>Called after a call had its effect; what it throws is the call's answer.</summary>
    public Func<string, ValueTask> After { get; set; } = static _ => default;

    /// <summary>Has a torrent complete, as after a sync.</summary>
    public HeldTorrent Hold(QbSync.Torrents.TorrentManifest manifest)
    {
        var held = new HeldTorrent(manifest, QbSync.Torrents.Selection.All(manifest).ToBytes()) { State = DestinationTorrentState.Complete };
        held.Have.SetAll();
        lock (_gate)
        {
            _torrents[manifest.Id] = held;
        }

        return held;
    }

    public async ValueTask<ProveOutcome> ProveAsync(Caller caller, ProveRequest request, CancellationToken cancellationToken)
    {
        Enter("Prove", caller);
        await Before("there.prove");
        Proof proof;
        lock (_gate)
        {
            if (!_torrents.TryGetValue(request.Id, out var torrent))
            {
                return new ProveOutcome.Unknown();
            }

            if (torrent.State is not (DestinationTorrentState.Complete or DestinationTorrentState.HandedOff))
            {
                return new ProveOutcome.Refused(new Refusal(RefusalReason.Incomplete));
            }

            proof = new Proof
            {
                Id = request.Id,
                Nonce = request.Nonce,
                ManifestDigest = torrent.Manifest.InfoDigest,
                ProvenFiles = torrent.Selection,
                SelectedBytes = torrent.Layout.SelectedBytes,
                BytesReadBack = torrent.Layout.SelectedBytes,
                From = time.GetUtcNow(),
                To = time.GetUtcNow(),
                Client = ViewOf(torrent),
                ProofId = System.Security.Cryptography.SHA256.HashData(torrent.Manifest.InfoDigest.Span),
            };
        }

        await After("there.prove");
        return OnProve(proof) ?? new ProveOutcome.Proven(proof);
    }

    public async ValueTask<StartOutcome> StartAsync(Caller caller, StartRequest request, CancellationToken cancellationToken)
    {
        Enter($"Start{request.Cause}", caller);
        await Before("there.start");
        var outcome = OnStart(request) ?? Start(request);
        await After("there.start");
        return outcome;
    }

    private StartOutcome Start(StartRequest request)
    {
        lock (_gate)
        {
            if (!_torrents.TryGetValue(request.Id, out var torrent))
            {
                return new StartOutcome.Unknown();
            }

            if (torrent.State is not (DestinationTorrentState.Complete or DestinationTorrentState.HandedOff))
            {
                return new StartOutcome.Refused(new Refusal(RefusalReason.Incomplete));
            }

            if (torrent is { IsActive: false } and ({ IsClosed: true } or { IsUsers: true }))
            {
                return new StartOutcome.Refused(new Refusal(RefusalReason.NotSeeding));
            }

            torrent.Parameters = request.Parameters;
            torrent.State = DestinationTorrentState.HandedOff;
            torrent.IsActive = true;
            return new StartOutcome.Started(ViewOf(torrent));
        }
    }

    public async ValueTask<WithdrawOutcome> WithdrawAsync(Caller caller, WithdrawRequest request, CancellationToken cancellationToken)
    {
        Enter("Withdraw", caller);
        await Before("there.withdraw");
        var outcome = OnWithdraw(request) ?? Withdraw(request);
        await After("there.withdraw");
        return outcome;
    }

    private WithdrawOutcome Withdraw(WithdrawRequest request)
    {
        lock (_gate)
        {
            if (!_torrents.TryGetValue(request.Id, out var torrent))
            {
                return new WithdrawOutcome.Done(null);
            }

            if (torrent.IsClosed)
            {
                return new WithdrawOutcome.Refused(new Refusal(RefusalReason.HandedOff));
            }

            if (torrent is { State: DestinationTorrentState.HandedOff, IsUsers: false })
            {
                torrent.State = DestinationTorrentState.Complete;
                torrent.IsActive = false;
            }

            return new WithdrawOutcome.Done(ViewOf(torrent));
        }
    }

    public async ValueTask<ConfirmOutcome> ConfirmHandoffAsync(Caller caller, ConfirmHandoffRequest request, CancellationToken cancellationToken)
    {
        Enter("Confirm", caller);
        await Before("there.confirm");
        var outcome = OnConfirm(request) ?? Confirm(request);
        await After("there.confirm");
        return outcome;
    }

    private ConfirmOutcome Confirm(ConfirmHandoffRequest request)
    {
        lock (_gate)
        {
            if (!_torrents.TryGetValue(request.Id, out var torrent))
            {
                return new ConfirmOutcome.Unknown();
            }

            if (request.Tag.Length > 0)
            {
                torrent.Tags.Add(request.Tag);
            }

            torrent.State = DestinationTorrentState.HandedOff;
            torrent.IsClosed = true;
            return new ConfirmOutcome.Done();
        }
    }

    private ClientView ViewOf(HeldTorrent torrent) => new(
        torrent.ForcedState ?? (torrent.IsActive ? ClientTorrentState.StalledUp : ClientTorrentState.StoppedUp), 1, 0, time.GetUtcNow(), torrent.Announce);
}
