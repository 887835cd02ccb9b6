using System.Runtime.CompilerServices;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Testing.Destinations;

/// <summary>Passes everything on, and tells a ledger of it first: what the source hears, the ledger has heard.</summary>
internal sealed class AccountedDestination(IDestination destination, SendLedger ledger) : ForwardingDestination
{
    protected override IDestination Inner => destination;

    public override async ValueTask<IReadOnlyList<DestinationTorrentStatus>> GetStatusAsync(Caller caller, StatusRequest request, CancellationToken cancellationToken)
    {
        var answers = await base.GetStatusAsync(caller, request, cancellationToken);
        foreach (var status in answers)
        {
            if (status is { Have: { } have, Deferred: { } deferred })
            {
                ledger.Told(status.Id, null, status.Epoch, have, deferred);
            }
        }

        return answers;
    }

    public override async IAsyncEnumerable<DestinationUpdate> WatchAsync(Caller caller, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var update in destination.WatchAsync(caller, cancellationToken))
        {
            if (update is DestinationUpdate.HaveChanged changed)
            {
                ledger.Told(changed.Id, null, changed.Epoch, changed.Have, changed.Deferred);
            }

            yield return update;
        }
    }

    public override async ValueTask<InitOutcome> InitAsync(Caller caller, InitRequest request, CancellationToken cancellationToken)
    {
        var outcome = await base.InitAsync(caller, request, cancellationToken);
        if (outcome is InitOutcome.Open open)
        {
            ledger.Told(request.Id, open.Incarnation, open.Epoch, open.Have, open.Deferred);
        }

        return outcome;
    }

    public override async ValueTask<FinalizeOutcome> FinalizeAsync(Caller caller, FinalizeRequest request, CancellationToken cancellationToken)
    {
        var outcome = await base.FinalizeAsync(caller, request, cancellationToken);
        if (outcome is FinalizeOutcome.Incomplete incomplete)
        {
            ledger.Told(request.Id, null, incomplete.Epoch, incomplete.Have, incomplete.Deferred);
        }

        return outcome;
    }

    public override IPieceLink OpenLink(Caller caller, IPieceLinkSink sink)
    {
        ledger.LinkOpened();
        return new AccountedLink(destination.OpenLink(caller, new AccountedSink(sink, ledger)), ledger);
    }

    protected override Task BeforeAsync(string verb, InfoHash torrent, CancellationToken cancellationToken)
    {
        if (verb == "Abort")
        {
            ledger.Forgotten(torrent);
        }

        return Task.CompletedTask;
    }

    private sealed class AccountedLink(IPieceLink link, SendLedger ledger) : ForwardingLink(link)
    {
        public override async ValueTask<SendOutcome> SendAsync(IChunkSource source, CancellationToken cancellationToken)
        {
            var (piece, attempt) = (source.Piece, source.Attempt);
            ledger.Sending(piece, attempt);
            SendOutcome outcome;
            try
            {
                outcome = await base.SendAsync(source, cancellationToken);
            }
            catch
            {
                ledger.NotSent(piece, attempt);
                throw;
            }

            if (outcome != SendOutcome.Sent)
            {
                ledger.NotSent(piece, attempt);
            }

            return outcome;
        }
    }

    private sealed class AccountedSink(IPieceLinkSink sink, SendLedger ledger) : ForwardingSink(sink)
    {
        public override void OnAck(in PieceAck ack)
        {
            ledger.Answered(ack);
            base.OnAck(ack);
        }

        public override void OnLost(PieceRef piece, long attempt, PieceLossCause cause)
        {
            ledger.Lost(piece, attempt);
            base.OnLost(piece, attempt, cause);
        }
    }
}
