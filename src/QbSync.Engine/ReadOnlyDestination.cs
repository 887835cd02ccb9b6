using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine;

/// <summary>
/// A destination that is only read: greeting, statuses and changes pass; whatever would change something there is answered
/// <see cref="RefusalReason.DryRun"/> and never sent, and its link sends nothing. Thread-safe; the destination behind it stays its maker's.
/// </summary>
public sealed class ReadOnlyDestination(IDestination destination) : IDestination
{
    private static readonly Refusal Unsent = new(RefusalReason.DryRun, "Not sent: dry run.");

    /// <inheritdoc />
    public ValueTask<DestinationGreeting> HelloAsync(Caller caller, CancellationToken cancellationToken) => destination.HelloAsync(caller, cancellationToken);

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<DestinationTorrentStatus>> GetStatusAsync(Caller caller, StatusRequest request, CancellationToken cancellationToken) =>
        destination.GetStatusAsync(caller, request, cancellationToken);

    /// <inheritdoc />
    public IAsyncEnumerable<DestinationUpdate> WatchAsync(Caller caller, CancellationToken cancellationToken) => destination.WatchAsync(caller, cancellationToken);

    /// <inheritdoc />
    public ValueTask<InitOutcome> InitAsync(Caller caller, InitRequest request, CancellationToken cancellationToken) =>
        new(new InitOutcome.Refused(Unsent));

    /// <inheritdoc />
    public ValueTask<FinalizeOutcome> FinalizeAsync(Caller caller, FinalizeRequest request, CancellationToken cancellationToken) =>
        new(new FinalizeOutcome.Refused(Unsent));

    /// <inheritdoc />
    public ValueTask<ProveOutcome> ProveAsync(Caller caller, ProveRequest request, CancellationToken cancellationToken) =>
        new(new ProveOutcome.Refused(Unsent));

    /// <inheritdoc />
    public ValueTask<StartOutcome> StartAsync(Caller caller, StartRequest request, CancellationToken cancellationToken) =>
        new(new StartOutcome.Refused(Unsent));

    /// <inheritdoc />
    public ValueTask<WithdrawOutcome> WithdrawAsync(Caller caller, WithdrawRequest request, CancellationToken cancellationToken) =>
        new(new WithdrawOutcome.Refused(Unsent));

    /// <inheritdoc />
    public ValueTask<ConfirmOutcome> ConfirmHandoffAsync(Caller caller, ConfirmHandoffRequest request, CancellationToken cancellationToken) =>
        new(new ConfirmOutcome.Refused(Unsent));

    /// <inheritdoc />
    public ValueTask<AbortOutcome> AbortAsync(Caller caller, AbortRequest request, CancellationToken cancellationToken) =>
        new(new AbortOutcome.Refused(Unsent));

    /// <inheritdoc />
    public IPieceLink OpenLink(Caller caller, IPieceLinkSink sink) => new NoLink();

    /// <summary>Opens no connection and takes no piece.</summary>
    private sealed class NoLink : IPieceLink
    {
        public int OpenStreams => 0;

        public ValueTask<SendOutcome> SendAsync(IChunkSource source, CancellationToken cancellationToken)
        {
            source.Dispose();
            return new(SendOutcome.Lost);
        }

        public void SetRateLimit(long bytesPerSecond)
        {
            // There is nothing to limit.
        }

        public ValueTask DisposeAsync() => default;
    }
}
