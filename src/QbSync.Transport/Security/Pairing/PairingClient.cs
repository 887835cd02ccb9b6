using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using QbSync.Transport.Client.Connections;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Security;

/// <summary>The dialer's side of a pairing.</summary>
public static class PairingClient
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Pairs with the node that listens at <paramref name="address"/>, if both know the code. It is trusted, durably, only after it has proven that it does, and
    /// that nobody is between.
    /// </summary>
    /// <param name="address">host:port, as <c>destination-addr</c> says it; remembered with the peer.</param>
    /// <param name="code">What the other side printed.</param>
    /// <param name="name">What this node calls itself there.</param>
    /// <exception cref="TrustException">The file of peers cannot be used or written.</exception>
    public static async Task<PairingOutcome> PairAsync(
        string address, string code, NodeIdentity identity, PeerStore peers, string name, TimeProvider time, CancellationToken cancellationToken)
    {
        if (peers.Fault is { } fault)
        {
            throw fault;
        }

        if (OneTimeCode.ToKey(code) is not { } key)
        {
            return new PairingOutcome.NoCode();
        }

        var options = new TransportClientOptions { Address = address };
        if (!options.TryGetAddress(out var endPoint))
        {
            return new PairingOutcome.Unreachable($"\"{address}\" is not host:port");
        }

        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(endPoint, either.Token).ConfigureAwait(false);
            using var ssl = new SslStream(new NetworkStream(socket, ownsSocket: false), leaveInnerStreamOpen: false);
            var found = await AuthenticateAsync(ssl, endPoint.Host, identity, either.Token).ConfigureAwait(false);
            if (found is not { } theirs || theirs == identity.Id)
            {
                return found is null ? new PairingOutcome.Unreachable("what answers there is no node that pairs") : new PairingOutcome.ThisNode();
            }

            if (!await TlsGreeting.ReadAsync(ssl, either.Token).ConfigureAwait(false))
            {
                return new PairingOutcome.Refused();
            }

            using var channel = PeerChannels.Create(options, _ => ValueTask.FromResult<Stream>(ssl));
            var ours = new Pairing(address, key, identity.Id, theirs, peers, name, time);
            return await ours.RunAsync(channel.CreateCallInvoker(), either.Token).ConfigureAwait(false);
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.PermissionDenied or StatusCode.Unauthenticated)
        {
            return new PairingOutcome.Refused();
        }
        catch (Exception e) when (e is RpcException or IOException or SocketException or AuthenticationException or InvalidDataException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return new PairingOutcome.Unreachable(e is OperationCanceledException ? "no answer in time" : e.Message);
        }
    }

    /// <summary>Any node may answer: who it is, is proven by the exchange alone. Null when it is none.</summary>
    private static async Task<NodeId?> AuthenticateAsync(SslStream ssl, string host, NodeIdentity identity, CancellationToken cancellationToken)
    {
        NodeId? found = null;
        await ssl.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = host,
                ClientCertificateContext = SslStreamCertificateContext.Create(identity.Certificate, null, offline: true),
                AllowTlsResume = false,
                AllowRenegotiation = false,
                EnabledSslProtocols = PeerTrust.Protocols,
                ApplicationProtocols = [SslApplicationProtocol.Http2],
                CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                {
                    if (certificate is null)
                    {
                        return false;
                    }

                    using var theirs = new X509Certificate2(certificate);
                    found = Certificates.IsP256(theirs) ? NodeId.Of(theirs) : null;
                    return found is not null;
                },
            },
            cancellationToken).ConfigureAwait(false);
        return found;
    }

    /// <summary>One exchange.</summary>
    private sealed class Pairing(string address, byte[] key, NodeId ours, NodeId theirs, PeerStore peers, string name, TimeProvider time)
    {
        public async Task<PairingOutcome> RunAsync(CallInvoker invoker, CancellationToken cancellationToken)
        {
            using var call = invoker.AsyncDuplexStreamingCall(PairingMethods.Exchange, null, new CallOptions(cancellationToken: cancellationToken));
            try
            {
                return await ExchangeAsync(call, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is RpcException or InvalidOperationException)
            {
                // A write that met the end of the call tells of itself alone; why the call ended is said where its answers are.
                while (await call.ResponseStream.MoveNext(cancellationToken).ConfigureAwait(false))
                {
                }

                throw;
            }
        }

        private async Task<PairingOutcome> ExchangeAsync(AsyncDuplexStreamingCall<PairingFrame, PairingFrame> call, CancellationToken cancellationToken)
        {
            var frames = new PairingFrames(call.ResponseStream, call.RequestStream, cancellationToken);
            var ourNonce = PairingExchange.NewNonce();
            await frames.WriteAsync(new PairingFrame { Nonce = new PairingNonce { Nonce = ByteString.CopyFrom(ourNonce) } }).ConfigureAwait(false);
            var theirNonce = await frames.ReadNonceAsync().ConfigureAwait(false);
            var transcript = PairingExchange.Transcript(ours, theirs, ourNonce, theirNonce);
            await frames.WriteAsync(new PairingFrame
            {
                Proof = new PairingProof { Mac = ByteString.CopyFrom(PairingExchange.DialerProof(key, transcript)), Name = Peer.ToName(name) },
            }).ConfigureAwait(false);
            var proof = await frames.ReadProofAsync().ConfigureAwait(false);
            if (!CryptographicOperations.FixedTimeEquals(proof.Mac.Span, PairingExchange.ListenerProof(key, transcript)))
            {
                return new PairingOutcome.NotProven(theirs);
            }

            var before = peers.Find(theirs);
            var peer = new Peer(theirs, Peer.ToName(proof.Name))
            {
                Address = address,
                Grants = before?.Grants ?? Ports.PeerGrants.Everything,
                AddedAt = time.GetUtcNow(),
            };
            await peers.AddAsync(peer, cancellationToken).ConfigureAwait(false);
            try
            {
                await frames.WriteAsync(new PairingFrame { Done = new PairingDone() }).ConfigureAwait(false);
                await call.RequestStream.CompleteAsync().ConfigureAwait(false);
                while (await call.ResponseStream.MoveNext(cancellationToken).ConfigureAwait(false))
                {
                }
            }
            catch when (before is null)
            {
                // Half a pairing is of no use to anybody, and would be taken for a whole one.
                await peers.RemoveAsync(theirs, CancellationToken.None).ConfigureAwait(false);
                throw;
            }

            return new PairingOutcome.Paired(peer);
        }
    }
}
