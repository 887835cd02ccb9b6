using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.Logging;
using QbSync.Transport.Security;

namespace QbSync.Transport.Client.Connections;

/// <summary>Dials TCP to one address and does TLS there: who answers has to be who is trusted, and has to accept us. Thread-safe.</summary>
internal sealed partial class TlsPeerConnector(
    string address, DnsEndPoint endPoint, PeerTrust trust, PeerConnections connections, Action refused, ILogger<TlsPeerConnector> logger)
    : IPeerConnector, IDisposable
{
    // A listener takes 8 strangers of an address: 6 and a control connection leave one place for somebody else behind the same address.
    private const int MostHandshakes = 6;
    private readonly SemaphoreSlim _handshakes = new(MostHandshakes, MostHandshakes);

    /// <exception cref="PeerException">The listener is not trusted, or does not trust us.</exception>
    public async ValueTask<PeerConnection> ConnectAsync(ConnectionKind kind, int slot, CancellationToken cancellationToken)
    {
        if (kind != ConnectionKind.Data)
        {
            return await DialAsync(cancellationToken).ConfigureAwait(false);
        }

        await _handshakes.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await DialAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _handshakes.Release();
        }
    }

    public void Dispose() => _handshakes.Dispose();

    private async Task<PeerConnection> DialAsync(CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken).ConfigureAwait(false);
            return await SecureAsync(socket, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<PeerConnection> SecureAsync(Socket socket, CancellationToken cancellationToken)
    {
        var seen = new SeenCertificate();
        var records = new RecordGatherer(socket);
        var ssl = new SslStream(records, leaveInnerStreamOpen: false);
        try
        {
            await ssl.AuthenticateAsClientAsync(trust.DialerTls(seen, address, endPoint.Host), cancellationToken).ConfigureAwait(false);
        }
        catch (AuthenticationException e)
        {
            throw Refuse(seen.Certificate is null ? $"TLS failed: {e.Message}" : seen.Verdict.Reason, e);
        }

        if (ssl.NegotiatedApplicationProtocol != SslApplicationProtocol.Http2 || seen.Verdict.Peer is not { } peer)
        {
            throw Refuse("It does not speak HTTP/2.", null);
        }

        if (trust.IsMutual && !await TlsGreeting.ReadAsync(ssl, cancellationToken).ConfigureAwait(false))
        {
            throw Refuse($"It is {peer.PeerId} and does not trust this node{(trust is PinnedTrust pinned ? $", {pinned.Id}" : "")}. Pair them: qbsync pair.", null);
        }

        var followed = connections.Add(peer, seen.Certificate?.NotAfter, () => End(socket, peer));
        return new PeerConnection(new TlsStream(ssl, records, followed), socket, peer.PeerId);
    }

    private PeerException Refuse(string reason, Exception? error)
    {
        refused();
        return new PeerException(PeerFault.NotTrusted, $"The destination at {address} and this node do not trust each other: {reason}", error);
    }

    private void End(Socket socket, IPeerFeature peer)
    {
        Log.ConnectionRevoked(logger, peer.PeerId);
        socket.Dispose();
    }
}
