using System.Security.Cryptography;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Wan;

/// <summary>A destination without disk: pieces are hashed, compared and counted. Of the verbs it knows those that a link and its measuring need.</summary>
internal sealed class CountingDestination(int pieceLength) : IDestination, IPieceIntake
{
    private readonly byte[] _hash = MemoryPiece.Hash(pieceLength);
    private long _bytes;
    private int _wrong;

    /// <summary>Payload that has come.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Pieces that were not what was sent.</summary>
    public int Wrong => Volatile.Read(ref _wrong);

    public PieceAckStatus Begin(Caller caller, PieceRef piece, ulong epoch, out IPieceTransfer? transfer)
    {
        transfer = new Transfer(this);
        return PieceAckStatus.Pending;
    }

    public ValueTask<DestinationGreeting> HelloAsync(Caller caller, CancellationToken cancellationToken) => new(new DestinationGreeting(1, "wan", TimeSpan.FromSeconds(45)));

    public ValueTask<IReadOnlyList<DestinationTorrentStatus>> GetStatusAsync(Caller caller, StatusRequest request, CancellationToken cancellationToken) =>
        new([.. request.Torrents.Select(static id => new DestinationTorrentStatus { Id = id, State = DestinationTorrentState.Absent })]);

    public IAsyncEnumerable<DestinationUpdate> WatchAsync(Caller caller, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<InitOutcome> InitAsync(Caller caller, InitRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<FinalizeOutcome> FinalizeAsync(Caller caller, FinalizeRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<ProveOutcome> ProveAsync(Caller caller, ProveRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<StartOutcome> StartAsync(Caller caller, StartRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<WithdrawOutcome> WithdrawAsync(Caller caller, WithdrawRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<ConfirmOutcome> ConfirmHandoffAsync(Caller caller, ConfirmHandoffRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<AbortOutcome> AbortAsync(Caller caller, AbortRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

    public IPieceLink OpenLink(Caller caller, IPieceLinkSink sink) => throw new NotSupportedException();

    private sealed class Transfer(CountingDestination destination) : IPieceTransfer
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        private int _length;

        public PieceAckStatus Write(int offset, ReadOnlySpan<byte> data)
        {
            Interlocked.Add(ref destination._bytes, data.Length);
            _hash.AppendData(data);
            _length += data.Length;
            if (_length < destination.PieceLength)
            {
                return PieceAckStatus.Pending;
            }

            if (_hash.GetHashAndReset().AsSpan().SequenceEqual(destination._hash))
            {
                return PieceAckStatus.Accepted;
            }

            Interlocked.Increment(ref destination._wrong);
            return PieceAckStatus.HashMismatch;
        }

        public void Dispose() => _hash.Dispose();
    }

    private int PieceLength => pieceLength;
}
