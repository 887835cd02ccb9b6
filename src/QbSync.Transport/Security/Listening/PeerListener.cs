using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Security;

/// <summary>
/// What stands in front of HTTP/2 at a listener: limits for strangers, TLS, and the judgement of who is there. Only a connection with a peer, or one that a
/// pairing may be tried on, gets any further. One for all listeners, thread-safe.
/// </summary>
internal sealed partial class PeerListener(
    ListenerTrust parts,
    PreAuthenticationLimits limits,
    TransportServerOptions options,
    Action refused,
    ILogger<PeerListener> logger,
    TimeProvider time)
{
    private static readonly TimeSpan FarewellTime = TimeSpan.FromSeconds(2);

    public async Task RunAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var address = (connection.RemoteEndPoint as IPEndPoint)?.Address;
        if (connection.Features.Get<IConnectionSocketFeature>() is { } tcp)
        {
            connection.Features.Set<IWayFeature>(new TcpWay(tcp.Socket));
        }

        if (parts.Trust is not { } trust)
        {
            await RunInsecureAsync(connection, address, next).ConfigureAwait(false);
            return;
        }

        if (!limits.TryEnter(address))
        {
            Log.TooManyStrangers(logger, address);
            connection.Abort();
            return;
        }

        using var stranger = new Stranger(address, limits, time);
        try
        {
            await RunTlsAsync(connection, address, stranger, trust, next).ConfigureAwait(false);
        }
        catch (Exception e) when (e is AuthenticationException or IOException or OperationCanceledException or ConnectionAbortedException)
        {
            // One that connects and says nothing, as probes do, failed at nothing; one that is known only lost its connection.
            if (!stranger.IsKnown && stranger.HasSpoken)
            {
                Refuse(address, stranger, e.Message);
            }

            connection.Abort();
        }
    }

    private async Task RunInsecureAsync(ConnectionContext connection, IPAddress? address, ConnectionDelegate next)
    {
        if (!options.Security.AllowInsecure && address is not null && !IPAddress.IsLoopback(address))
        {
            refused();
            Log.PeerRefused(logger, address, "security=insecure is for loopback only.");
            connection.Abort();
            return;
        }

        connection.Features.Set<IPeerFeature>(KnownPeer.Local);
        await next(connection).ConfigureAwait(false);
    }

    private async Task RunTlsAsync(ConnectionContext connection, IPAddress? address, Stranger stranger, PeerTrust rules, ConnectionDelegate next)
    {
        var outer = connection.Transport;
        var seen = new SeenCertificate();
        var ssl = new SslStream(new DuplexPipeStream(outer, stranger.Spoke), leaveInnerStreamOpen: false);
        await using (ssl.ConfigureAwait(false))
        {
            await ssl.AuthenticateAsServerAsync(rules.ListenerTls(seen), stranger.Late).ConfigureAwait(false);
            if (ssl.NegotiatedApplicationProtocol != SslApplicationProtocol.Http2)
            {
                throw new AuthenticationException("It does not ask for HTTP/2.");
            }

            var mayPair = rules is PinnedTrust pinned && seen.Certificate is not null && Certificates.IsP256(seen.Certificate) ? pinned : null;
            if (mayPair is not null)
            {
                connection.Features.Set<IPairingFeature>(new PairingFeature(mayPair.Id, seen.Id!.Value));
            }

            if (seen.Verdict.Peer is { } peer)
            {
                await RunPeerAsync(connection, ssl, outer, peer, seen, stranger, next).ConfigureAwait(false);
            }
            else if (!rules.IsMutual || (mayPair?.Pairing.Read() is not null && mayPair.Peers.Fault is null))
            {
                // Not known yet: it has a bounded time for a token, or for the one call that pairs.
                connection.Features.Set(stranger);
                if (rules.IsMutual)
                {
                    await TlsGreeting.SendAcceptedAsync(ssl, stranger.Late).ConfigureAwait(false);
                }

                await using var registration = stranger.Late.UnsafeRegister(static state => ((ConnectionContext)state!).Abort(), connection).ConfigureAwait(false);
                await RunInsideAsync(connection, ssl, outer, next).ConfigureAwait(false);
            }
            else
            {
                Refuse(address, stranger, seen.Verdict.Reason);
                await SayFarewellAsync(ssl, stranger).ConfigureAwait(false);
            }
        }
    }

    private async Task RunPeerAsync(
        ConnectionContext connection, SslStream ssl, IDuplexPipe outer, IPeerFeature peer, SeenCertificate seen, Stranger stranger, ConnectionDelegate next)
    {
        stranger.BecameKnown();
        connection.Features.Set(peer);
        using var followed = parts.Connections.Add(peer, seen.Certificate?.NotAfter, () => End(connection, peer));
        Log.PeerAccepted(logger, peer.PeerId);
        await TlsGreeting.SendAcceptedAsync(ssl, connection.ConnectionClosed).ConfigureAwait(false);
        await RunInsideAsync(connection, ssl, outer, next).ConfigureAwait(false);
    }

    private async Task RunInsideAsync(ConnectionContext connection, SslStream ssl, IDuplexPipe outer, ConnectionDelegate next)
    {
        var pool = connection.Features.Get<IMemoryPoolFeature>()?.MemoryPool;
        var input = PipeReader.Create(ssl, new StreamPipeReaderOptions(pool, options.BlockBytes, leaveOpen: true));
        var output = PipeWriter.Create(ssl, new StreamPipeWriterOptions(pool, leaveOpen: true));
        connection.Transport = new TlsPipe(input, output);
        try
        {
            await next(connection).ConfigureAwait(false);
        }
        finally
        {
            connection.Transport = outer;
            await input.CompleteAsync().ConfigureAwait(false);
            await output.CompleteAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Says no, and waits a moment for the other side to hear it: bytes that nobody read would reset the connection, and the no with it.</summary>
    private async Task SayFarewellAsync(SslStream ssl, Stranger stranger)
    {
        using var patience = new CancellationTokenSource(FarewellTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, stranger.Late);
        try
        {
            await TlsGreeting.SendRefusedAsync(ssl, either.Token).ConfigureAwait(false);
            await ssl.ShutdownAsync().ConfigureAwait(false);
            var nothing = new byte[256];
            while (await ssl.ReadAsync(nothing, either.Token).ConfigureAwait(false) > 0)
            {
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ConnectionAbortedException)
        {
            // It went without waiting.
        }
    }

    private void Refuse(IPAddress? address, Stranger stranger, string reason)
    {
        stranger.Failed();
        refused();
        Log.PeerRefused(logger, address, reason);
    }

    private void End(ConnectionContext connection, IPeerFeature peer)
    {
        Log.ConnectionRevoked(logger, peer.PeerId);
        connection.Abort(new ConnectionAbortedException("The peer is trusted no longer."));
    }
}
