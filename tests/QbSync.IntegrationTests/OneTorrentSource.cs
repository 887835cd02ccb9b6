using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;
using QbSync.Transport;

namespace QbSync.IntegrationTests;

/// <summary>Brings one torrent to a destination, piece after piece, without an engine that would decide anything.</summary>
internal sealed class OneTorrentSource(RemoteDestination destination, BuiltTorrent torrent) : IPieceLinkSink, IAsyncDisposable
{
    private static readonly Caller Caller = new(new Guid("00000000-0000-0000-0000-000000000021"), "one torrent");
    private int _acks;
    private int _others;
    private InitOutcome.Open? _open;
    private IPieceLink? _link;

    /// <summary>Pieces that were taken.</summary>
    public int Acks => Volatile.Read(ref _acks);

    /// <summary>Pieces that were not, or were lost.</summary>
    public int Others => Volatile.Read(ref _others);

    public async Task OpenAsync()
    {
        await destination.HelloAsync(Caller, CancellationToken.None).DefaultTimeout();
        var request = new InitRequest
        {
            Id = torrent.Id,
            Selection = Selection.All(torrent.Manifest).ToBytes(),
            Place = new Place("", [], ContentLayout.Original),
            Parameters = new TorrentParameters(),
            Torrent = torrent.Bytes,
        };
        await Eventually.BecomesTrueAsync(async () => (_open = await destination.InitAsync(Caller, request, CancellationToken.None) as InitOutcome.Open) is not null);
        _link = destination.OpenLink(Caller, this);
    }

    /// <summary>Ends when all pieces are handed over.</summary>
    public Task SendAllAsync() => Task.Run(async () =>
    {
        for (var piece = 0; piece < torrent.Manifest.PieceCount; piece++)
        {
            Assert.That(await _link!.SendAsync(new WholePiece(torrent, piece, _open!.Epoch), CancellationToken.None), Is.EqualTo(SendOutcome.Sent));
        }
    });

    /// <summary>Ends when the files are final there, where no client is to have them.</summary>
    public async Task FinalizeAsync()
    {
        var request = new FinalizeRequest
        {
            Id = torrent.Id,
            SelectionFingerprint = Selection.All(torrent.Manifest).Fingerprint(torrent.Id),
            Parameters = new TorrentParameters(),
        };
        await Eventually.BecomesTrueAsync(async () => await destination.FinalizeAsync(Caller, request, CancellationToken.None) is FinalizeOutcome.Refused { Refusal.Reason: RefusalReason.NoClient });
    }

    public void OnAck(in PieceAck ack) => Interlocked.Increment(ref ack.Status.IsSuccess() ? ref _acks : ref _others);

    public void OnLost(PieceRef piece, long attempt, PieceLossCause cause) => Interlocked.Increment(ref _others);

    public void OnLinkChanged(bool connected)
    {
    }

    public async ValueTask DisposeAsync()
    {
        if (_link is not null)
        {
            await _link.DisposeAsync().DefaultTimeout();
        }

        await destination.DisposeAsync();
    }

    private sealed class WholePiece(BuiltTorrent torrent, int piece, ulong epoch) : IChunkSource
    {
        private readonly byte[] _bytes = torrent.ReadPiece(piece);

        public PieceRef Piece => new(torrent.Id, piece);

        public ulong Epoch => epoch;

        public long Attempt => piece + 1;

        public IReadOnlyList<(int Offset, int Length)> Ranges => [(0, _bytes.Length)];

        public bool TryFill(int offset, Span<byte> destination)
        {
            _bytes.AsSpan(offset, destination.Length).CopyTo(destination);
            return true;
        }

        public void Dispose()
        {
        }
    }
}
