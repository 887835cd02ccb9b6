using QbSync.Ports;
using QbSync.Testing.Destinations;

namespace QbSync.ClientTests;

/// <summary>
/// A destination that may be away and come back, as over a network: while it is, nobody answers, and what was on its way is lost. Links stay until their source
/// disposes them, and are connected again when it is back.
/// </summary>
internal sealed class LabDestination : ForwardingDestination
{
    private readonly Lock _gate = new();
    private readonly List<Link> _links = [];
    private IDestination? _inner;

    protected override IDestination Inner => _inner ?? throw new PeerException(PeerFault.Unreachable, "Nobody answers.");

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

    public override IPieceLink OpenLink(Caller caller, IPieceLinkSink sink)
    {
        var link = new Link(this, caller, sink);
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

    private void Forget(Link link)
    {
        lock (_gate)
        {
            _links.Remove(link);
        }
    }

    private sealed class Link(LabDestination owner, Caller caller, IPieceLinkSink sink) : IPieceLink
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

        public async ValueTask DisposeAsync()
        {
            owner.Forget(this);
            await DisconnectAsync();
        }
    }
}
