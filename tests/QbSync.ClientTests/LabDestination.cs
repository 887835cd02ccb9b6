using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.ClientTests;

/// <summary>
/// A destination that may be away and come back, as over a network: while it is, nobody answers, and what was on its way is lost. Links stay, and are connected
/// again when it is back.
/// </summary>
internal sealed class LabDestination : IDestination
{
    private readonly Lock _gate = new();
    private readonly List<Link> _links = [];
    private IDestination? _inner;

    private IDestination Inner => _inner ?? throw new PeerException(PeerFault.Unreachable, "Nobody answers.");

    public void Open(IDestination inner)
    {
        Link[] links;
        lock (_gate)
        {
            _inner = inner;
            links = [.. _links];
        }

        foreach (var link in links)
        {
            link.Connect(inner);
        }
    }

    public async Task CloseAsync()
    {
        Link[] links;
        lock (_gate)
        {
            _inner = null;
            links = [.. _links];
        }

        foreach (var link in links)
        {
            await link.DisconnectAsync();
        }
    }

    public ValueTask<DestinationGreeting> HelloAsync(Caller caller, CancellationToken cancellationToken) => Inner.HelloAsync(caller, cancellationToken);

    public ValueTask<IReadOnlyList<DestinationTorrentStatus>> GetStatusAsync(Caller caller, StatusRequest request, CancellationToken cancellationToken) =>
        Inner.GetStatusAsync(caller, request, cancellationToken);

    public IAsyncEnumerable<DestinationUpdate> WatchAsync(Caller caller, CancellationToken cancellationToken) => Inner.WatchAsync(caller, cancellationToken);

    public ValueTask<InitOutcome> InitAsync(Caller caller, InitRequest request, CancellationToken cancellationToken) =>
        Inner.InitAsync(caller, request, cancellationToken);

    public ValueTask<FinalizeOutcome> FinalizeAsync(Caller caller, FinalizeRequest request, CancellationToken cancellationToken) =>
        Inner.FinalizeAsync(caller, request, cancellationToken);

    public ValueTask<ProveOutcome> ProveAsync(Caller caller, ProveRequest request, CancellationToken cancellationToken) =>
        Inner.ProveAsync(caller, request, cancellationToken);

    public ValueTask<StartOutcome> StartAsync(Caller caller, StartRequest request, CancellationToken cancellationToken) =>
        Inner.StartAsync(caller, request, cancellationToken);

    public ValueTask<WithdrawOutcome> WithdrawAsync(Caller caller, WithdrawRequest request, CancellationToken cancellationToken) =>
        Inner.WithdrawAsync(caller, request, cancellationToken);

    public ValueTask<ConfirmOutcome> ConfirmHandoffAsync(Caller caller, ConfirmHandoffRequest request, CancellationToken cancellationToken) =>
        Inner.ConfirmHandoffAsync(caller, request, cancellationToken);

    public ValueTask<AbortOutcome> AbortAsync(Caller caller, AbortRequest request, CancellationToken cancellationToken) =>
        Inner.AbortAsync(caller, request, cancellationToken);

    public IPieceLink OpenLink(Caller caller, IPieceLinkSink sink)
    {
        var link = new Link(caller, sink);
        lock (_gate)
        {
            _links.Add(link);
            if (_inner is { } inner)
            {
                link.Connect(inner);
            }
        }

        return link;
    }

    private sealed class Link(Caller caller, IPieceLinkSink sink) : IPieceLink
    {
        private volatile IPieceLink? _inner;

        public int OpenStreams => _inner?.OpenStreams ?? 0;

        public void Connect(IDestination destination) => _inner = destination.OpenLink(caller, sink);

        public async Task DisconnectAsync()
        {
            if (Interlocked.Exchange(ref _inner, null) is { } inner)
            {
                await inner.DisposeAsync();
            }
        }

        public async ValueTask<SendOutcome> SendAsync(IChunkSource source, CancellationToken cancellationToken)
        {
            if (_inner is { } inner)
            {
                return await inner.SendAsync(source, cancellationToken);
            }

            source.Dispose();
            return SendOutcome.Lost;
        }

        public void SetRateLimit(long bytesPerSecond) => _inner?.SetRateLimit(bytesPerSecond);

        public async ValueTask DisposeAsync() => await DisconnectAsync();
    }
}
