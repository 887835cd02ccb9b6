using Grpc.Core;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Security;

/// <summary>The frames of one exchange, in their order and of their sizes.</summary>
internal sealed class PairingFrames(IAsyncStreamReader<PairingFrame> reader, IAsyncStreamWriter<PairingFrame> writer, CancellationToken cancellationToken)
{
    public Task WriteAsync(PairingFrame frame) => writer.WriteAsync(frame, cancellationToken);

    public async Task<byte[]> ReadNonceAsync()
    {
        var frame = await ReadAsync(PairingFrame.StepOneofCase.Nonce).ConfigureAwait(false);
        return frame.Nonce.Nonce.Length == PairingExchange.NonceBytes ? frame.Nonce.Nonce.ToByteArray() : throw Unexpected();
    }

    public async Task<PairingProof> ReadProofAsync()
    {
        var frame = await ReadAsync(PairingFrame.StepOneofCase.Proof).ConfigureAwait(false);
        return frame.Proof.Mac.Length == PairingExchange.MacBytes ? frame.Proof : throw Unexpected();
    }

    public Task ReadDoneAsync() => ReadAsync(PairingFrame.StepOneofCase.Done);

    private async Task<PairingFrame> ReadAsync(PairingFrame.StepOneofCase step) =>
        await reader.MoveNext(cancellationToken).ConfigureAwait(false) && reader.Current.StepCase == step ? reader.Current : throw Unexpected();

    private static InvalidDataException Unexpected() => new("The exchange does not go as it has to.");
}
