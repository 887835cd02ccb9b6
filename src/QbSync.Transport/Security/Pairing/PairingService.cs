using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Security;

/// <summary>
/// The listener's side of a pairing. One exchange at a time, ten seconds, and nothing is told that a stranger does not know: every end but success looks alike.
/// One instance, thread-safe.
/// </summary>
internal sealed partial class PairingService(PeerTrust? trust, Action refused, ILogger<PairingService> logger, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly SemaphoreSlim _turn = new(1, 1);

    public async Task ExchangeAsync(IAsyncStreamReader<PairingFrame> frames, IServerStreamWriter<PairingFrame> answers, ServerCallContext context)
    {
        if (trust is not PinnedTrust pinned || context.GetHttpContext().Features.Get<IPairingFeature>() is not { } feature
            || feature.Ours == feature.Theirs || !_turn.Wait(0))
        {
            throw StatusMapping.NotTrusted();
        }

        try
        {
            using var patience = new CancellationTokenSource(Patience, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, patience.Token);
            await ExchangeAsync(pinned, feature, new PairingFrames(frames, answers, either.Token), context).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TrustException)
        {
            Log.PairingFailed(logger, e.Message);
            throw StatusMapping.NotTrusted();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException or InvalidDataException)
        {
            throw StatusMapping.NotTrusted();
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task ExchangeAsync(PinnedTrust pinned, IPairingFeature feature, PairingFrames frames, ServerCallContext context)
    {
        // Its key is what counts until the end: a code that is opened meanwhile is another one.
        var open = pinned.Pairing.Read() ?? throw StatusMapping.NotTrusted();
        var theirNonce = await frames.ReadNonceAsync().ConfigureAwait(false);
        var ourNonce = PairingExchange.NewNonce();
        await frames.WriteAsync(new PairingFrame { Nonce = new PairingNonce { Nonce = ByteString.CopyFrom(ourNonce) } }).ConfigureAwait(false);
        var proof = await frames.ReadProofAsync().ConfigureAwait(false);
        var transcript = PairingExchange.Transcript(feature.Theirs, feature.Ours, theirNonce, ourNonce);
        if (pinned.Pairing.Read() is not { } current || !current.Key.AsSpan().SequenceEqual(open.Key))
        {
            throw StatusMapping.NotTrusted();
        }

        if (!CryptographicOperations.FixedTimeEquals(proof.Mac.Span, PairingExchange.DialerProof(open.Key, transcript)))
        {
            // Counted before it is answered, so that breaking off saves nobody a try.
            await Task.Run(() => pinned.Pairing.CountTry(current), CancellationToken.None).ConfigureAwait(false);
            context.GetHttpContext().Features.Get<Stranger>()?.Failed();
            refused();
            Log.PairingRefused(logger, feature.Theirs, current.Tries + 1, PairingFile.MostTries);
            throw StatusMapping.NotTrusted();
        }

        await frames.WriteAsync(new PairingFrame
        {
            Proof = new PairingProof { Mac = ByteString.CopyFrom(PairingExchange.ListenerProof(open.Key, transcript)), Name = open.Name },
        }).ConfigureAwait(false);
        await frames.ReadDoneAsync().ConfigureAwait(false);
        await PinAsync(pinned, feature.Theirs, proof.Name, open).ConfigureAwait(false);
    }

    private async Task PinAsync(PinnedTrust pinned, NodeId id, string name, OpenPairing open)
    {
        var known = pinned.Peers.Find(id);
        var peer = new Peer(id, Peer.ToName(name))
        {
            Address = known?.Address,
            Grants = known?.Grants ?? Ports.PeerGrants.Everything,
            AddedAt = time.GetUtcNow(),
        };

        // Pinned first: who waits for the code to close then finds the peer.
        await pinned.Peers.AddAsync(peer, CancellationToken.None).ConfigureAwait(false);
        await Task.Run(() => pinned.Pairing.Close(open), CancellationToken.None).ConfigureAwait(false);
        Log.PeerPaired(logger, peer.Name, id);
    }

    /// <summary>Binds the method.</summary>
    internal sealed class MethodProvider : IServiceMethodProvider<PairingService>
    {
        public void OnServiceMethodDiscovery(ServiceMethodProviderContext<PairingService> context) => context.AddDuplexStreamingMethod(
            PairingMethods.Exchange, [], static (service, frames, answers, call) => service.ExchangeAsync(frames, answers, call));
    }
}
