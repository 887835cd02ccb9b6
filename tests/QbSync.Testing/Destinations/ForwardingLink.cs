using QbSync.Ports;

namespace QbSync.Testing.Destinations;

/// <summary>Passes everything on.</summary>
internal abstract class ForwardingLink(IPieceLink link) : IPieceLink
{
    public int OpenStreams => link.OpenStreams;

    public virtual ValueTask<SendOutcome> SendAsync(IChunkSource source, CancellationToken cancellationToken) => link.SendAsync(source, cancellationToken);

    public void SetRateLimit(long bytesPerSecond) => link.SetRateLimit(bytesPerSecond);

    public void SetDialing(bool allowed) => link.SetDialing(allowed);

    public void GiveUp() => link.GiveUp();

    public ValueTask DisposeAsync() => link.DisposeAsync();
}
