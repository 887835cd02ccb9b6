using System.Runtime.CompilerServices;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Testing.Destinations;

/// <summary>Passes everything on, and tells a ledger of it first: what the source hears, the ledger has heard.</summary>
internal sealed class AccountedDestination(IDestination destination, SendLedger ledger) : IDestination
{
    public ValueTask<DestinationGreeting> HelloAsync(Caller caller, CancellationToken cancellationToken) => destination.HelloAsync(caller, cancellationToken);

    public async ValueTask<IReadOnlyList<DestinationTorrentStatus>> GetStatusAsync(Caller caller, StatusRequest request, CancellationToken cancellationToken)
    {
        var answers = await destination.GetStatusAsync(caller, request, cancellationToken);
        foreach (var status in answers)
        {
            if (status is { Have: { } have, Deferred: { } deferred })
            {
                ledger.Told(status.Id, null, status.Epoch, have, deferred);
            }
        }

        return answers;
    }

    public async IAsyncEnumerable<DestinationUpdate> WatchAsync(Caller caller, [EnumeratorCancellation] CancellationToken cancellationToken)
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

    public async ValueTask<InitOutcome> InitAsync(Caller caller, InitRequest request, CancellationToken cancellationToken)
    {
        var outcome = await destination.InitAsync(caller, request, cancellationToken);
        if (outcome is InitOutcome.Open open)
        {
            ledger.Told(request.Id, open.Incarnation, open.Epoch, open.Have, open.Deferred);
        }

        return outcome;
    }

    public async ValueTask<FinalizeOutcome> FinalizeAsync(Caller caller, FinalizeRequest request, CancellationToken cancellationToken)
    {
        var outcome = await destination.FinalizeAsync(caller, request, cancellationToken);
        if (outcome is FinalizeOutcome.Incomplete incomplete)
        {
            ledger.Told(request.Id, null, incomplete.Epoch, incomplete.Have, incomplete.Deferred);
        }

        return outcome;
    }

    public ValueTask<ProveOutcome> ProveAsync(Caller caller, ProveRequest request, CancellationToken cancellationToken) =>
        destination.ProveAsync(caller, request, cancellationToken);

    public ValueTask<StartOutcome> StartAsync(Caller caller, StartRequest request, CancellationToken cancellationToken) =>
        destination.StartAsync(caller, request, cancellationToken);

    public ValueTask<WithdrawOutcome> WithdrawAsync(Caller caller, WithdrawRequest request, CancellationToken cancellationToken) =>
        destination.WithdrawAsync(caller, request, cancellationToken);

    public ValueTask<ConfirmOutcome> ConfirmHandoffAsync(Caller caller, ConfirmHandoffRequest request, CancellationToken cancellationToken) =>
        destination.ConfirmHandoffAsync(caller, request, cancellationToken);

    public ValueTask<AbortOutcome> AbortAsync(Caller caller, AbortRequest request, CancellationToken cancellationToken)
    {
        ledger.Forgotten(request.Id);
        return destination.AbortAsync(caller, request, cancellationToken);
    }

    public IPieceLink OpenLink(Caller caller, IPieceLinkSink sink)
    {
        ledger.LinkOpened();
        return new AccountedLink(destination.OpenLink(caller, new AccountedSink(sink, ledger)), ledger);
    }

    private sealed class AccountedLink(IPieceLink link, SendLedger ledger) : IPieceLink
    {
        public int OpenStreams => link.OpenStreams;

        public async ValueTask<SendOutcome> SendAsync(IChunkSource source, CancellationToken cancellationToken)
        {
            var (piece, attempt) = (source.Piece, source.Attempt);
            ledger.Sending(piece, attempt);
            SendOutcome outcome;
            try
            {
                outcome = await link.SendAsync(source, cancellationToken);
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

        public void SetRateLimit(long bytesPerSecond) => link.SetRateLimit(bytesPerSecond);

        public void SetDialing(bool allowed) => link.SetDialing(allowed);

        public ValueTask DisposeAsync() => link.DisposeAsync();
    }

    private sealed class AccountedSink(IPieceLinkSink sink, SendLedger ledger) : IPieceLinkSink
    {
        public void OnAck(in PieceAck ack)
        {
            ledger.Answered(ack);
            sink.OnAck(ack);
        }

        public void OnLost(PieceRef piece, long attempt, PieceLossCause cause)
        {
            ledger.Lost(piece, attempt);
            sink.OnLost(piece, attempt, cause);
        }

        public void OnLinkChanged(bool connected) => sink.OnLinkChanged(connected);

        public void OnConnectFailed(TimeSpan elapsed) => sink.OnConnectFailed(elapsed);
    }
}
