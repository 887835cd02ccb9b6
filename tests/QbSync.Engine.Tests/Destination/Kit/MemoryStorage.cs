using System.Security.Cryptography;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Engine.Tests.Destination.Kit;

internal sealed class MemoryStorage : ITorrentStorage
{
    private readonly MemoryDisk _disk;
    private readonly MemoryDisk.Saved _saved;
    private readonly PieceBitmap _have;
    private bool _isGone;

    public MemoryStorage(MemoryDisk disk, MemoryDisk.Saved saved)
    {
        _disk = disk;
        _saved = saved;
        _have = saved.Have.Clone();
        Layout = new PieceLayout(saved.Request.Manifest, saved.Request.Selection);
    }

    public event Action<int>? FileWhole;

    public StoreRequest Request => _saved.Request;

    public PieceLayout Layout { get; }

    public StoredPhase Phase => _saved.Phase;

    public ulong Epoch => _saved.Epoch;

    public ulong Losses { get; private set; }

    public Refusal? Failure => _saved.Failure;

    public int HeldPieces
    {
        get
        {
            lock (_disk.Gate)
            {
                return Layout.CountHeld(_have);
            }
        }
    }

    public bool IsFull { get; set; }

    /// <summary>Set to hold back read-backs until the test lets them go.</summary>
    public Task VerifyGate { get; set; } = Task.CompletedTask;

    public static string GetPath(StoreRequest request, int file) => string.Join('/', [.. request.Place.SubPath, .. request.FileNames[file]]);

    public PieceBitmap CopyHave()
    {
        lock (_disk.Gate)
        {
            return _have.Clone();
        }
    }

    public PieceAckStatus Begin(int piece, out IPieceTransfer? transfer)
    {
        transfer = null;
        lock (_disk.Gate)
        {
            if (_isGone)
            {
                return PieceAckStatus.NotOpen;
            }

            if ((uint)piece >= (uint)Request.Manifest.PieceCount || !Layout.IsSelected(piece))
            {
                return PieceAckStatus.Malformed;
            }

            if (IsFull)
            {
                return PieceAckStatus.NoSpace;
            }

            if (_have[piece])
            {
                return PieceAckStatus.Held;
            }
        }

        transfer = new Transfer(this, piece);
        return PieceAckStatus.Pending;
    }

    public ValueTask<int> FlushAsync(CancellationToken cancellationToken)
    {
        _disk.ThrowIfFaulty(nameof(FlushAsync));
        lock (_disk.Gate)
        {
            _saved.Have = _have.Clone();
            return ValueTask.FromResult(0);
        }
    }

    public async ValueTask<int> VerifyFileAsync(int fileIndex, IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        await VerifyGate.WaitAsync(cancellationToken);
        _disk.ThrowIfFaulty(nameof(VerifyFileAsync));
        lock (_disk.Gate)
        {
            var bad = 0;
            var (first, count) = Layout.GetPieces(Request.Manifest.Files[fileIndex]);
            for (var piece = first; piece < first + count; piece++)
            {
                if (_saved.ReadBack[piece])
                {
                    continue;
                }

                if (IsRight(piece))
                {
                    _saved.ReadBack.Set(piece);
                }
                else
                {
                    _have.Clear(piece);
                    bad++;
                }
            }

            _saved.Have = _have.Clone();
            Losses += bad > 0 ? 1UL : 0;
            return bad;
        }
    }

    public ValueTask<Refusal?> PublishFilesAsync(IReadOnlyList<int> fileIndices, CancellationToken cancellationToken)
    {
        _disk.ThrowIfFaulty(nameof(PublishFilesAsync));
        var fileIndex = fileIndices[0];
        lock (_disk.Gate)
        {
            if (_saved.Published.Contains(fileIndex))
            {
                return ValueTask.FromResult<Refusal?>(null);
            }

            var path = GetPath(Request, fileIndex);
            var file = Request.Manifest.Files[fileIndex];
            if (!_disk.Files.TryAdd(path, _saved.Bytes.AsSpan((int)file.Offset, (int)file.Length).ToArray()))
            {
                return ValueTask.FromResult<Refusal?>(new Refusal(RefusalReason.PathConflict, path));
            }

            _saved.Published.Add(fileIndex);
            return ValueTask.FromResult<Refusal?>(null);
        }
    }

    public bool IsPublished(int fileIndex)
    {
        lock (_disk.Gate)
        {
            return _saved.Published.Contains(fileIndex);
        }
    }

    public ValueTask<Refusal?> ExportPartFileAsync(string partFileName, CancellationToken cancellationToken)
    {
        _saved.PartFile = partFileName;
        return ValueTask.FromResult<Refusal?>(null);
    }

    public ValueTask<IReadOnlyList<int>> CheckPublishedAsync(CancellationToken cancellationToken)
    {
        lock (_disk.Gate)
        {
            return ValueTask.FromResult<IReadOnlyList<int>>([.. _saved.Published.Where(file => !_disk.Files.ContainsKey(GetPath(Request, file)))]);
        }
    }

    public ValueTask<int> ReexamineFilesAsync(IReadOnlyCollection<int> fileIndices, IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        lock (_disk.Gate)
        {
            foreach (var index in fileIndices)
            {
                _saved.Published.Remove(index);
                var (first, count) = Layout.GetPieces(Request.Manifest.Files[index]);
                for (var piece = first; piece < first + count; piece++)
                {
                    _have.Clear(piece);
                    _saved.ReadBack.Clear(piece);
                }
            }

            Losses++;
            _saved.Have = _have.Clone();
            return ValueTask.FromResult(fileIndices.Count);
        }
    }

    public ValueTask SetPhaseAsync(StoredPhase phase, Refusal? failure, CancellationToken cancellationToken)
    {
        _disk.ThrowIfFaulty(nameof(SetPhaseAsync));
        lock (_disk.Gate)
        {
            (_saved.Phase, _saved.Failure) = (phase, failure);
            _saved.AddedByUs |= phase == StoredPhase.AddIntent;
            return ValueTask.CompletedTask;
        }
    }

    public ValueTask SetParametersAsync(TorrentParameters parameters, CancellationToken cancellationToken)
    {
        _saved.Request = _saved.Request with { Parameters = parameters };
        return ValueTask.CompletedTask;
    }

    public ValueTask<(int Files, long Bytes)> DiscardAsync(bool keepFiles, CancellationToken cancellationToken)
    {
        _disk.ThrowIfFaulty(nameof(DiscardAsync));
        lock (_disk.Gate)
        {
            _isGone = true;
            _disk.Torrents.Remove(Request.Manifest.Id);
            return ValueTask.FromResult((Request.Selection.SelectedCount - _saved.Published.Count, 0L));
        }
    }

    public event Action? SettleDue
    {
        add { }
        remove { }
    }

    public int DeferredPieces => 0;

    public bool AddedByUs => _saved.AddedByUs;

    public TimeSpan Uncontacted { get; private set; }

    public PieceBitmap CopyDeferred() => new(_have.Length);

    public ValueTask<SettleOutcome> SettleAsync(IProgress<long>? bytesRead, CancellationToken cancellationToken) =>
        ValueTask.FromResult(new SettleOutcome(0, 0, false, null));

    public ValueTask SetIdentitiesAsync(IReadOnlyList<QbSync.Torrents.FileIdentity?> identities, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask SetAddedByUsAsync(bool value, CancellationToken cancellationToken)
    {
        _saved.AddedByUs = value;
        return ValueTask.CompletedTask;
    }

    public ValueTask SetUncontactedAsync(TimeSpan value, CancellationToken cancellationToken)
    {
        Uncontacted = value;
        return ValueTask.CompletedTask;
    }

    public async ValueTask<StoredProof?> SealAsync(SealRequest request, CancellationToken cancellationToken)
    {
        await SetPhaseAsync(StoredPhase.Complete, null, cancellationToken);
        return new StoredProof(new byte[32], new byte[32], 0);
    }

    public ValueTask<StoredProof?> ReadProofAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult<StoredProof?>(new StoredProof(new byte[32], new byte[32], 0));

    public ValueTask DisposeAsync()
    {
        _isGone = true;
        return ValueTask.CompletedTask;
    }

    /// <summary>Spoils a piece on the disk, behind the back of the bits.</summary>
    public void Corrupt(int piece)
    {
        lock (_disk.Gate)
        {
            _saved.Bytes[piece * Request.Manifest.PieceLength] ^= 0xff;
            _saved.ReadBack.Clear(piece);
        }
    }

    public void AdoptPublished()
    {
        for (var piece = 0; piece < Request.Manifest.PieceCount; piece++)
        {
            if (Layout.IsSelected(piece) && IsRight(piece))
            {
                _have.Set(piece);
                _saved.ReadBack.Set(piece);
            }
        }

        _saved.Have = _have.Clone();
    }

    private bool IsRight(int piece) =>
        SHA1.HashData(_saved.Bytes.AsSpan((int)Request.Manifest.GetPieceOffset(piece), Request.Manifest.GetPieceLength(piece)))
            .AsSpan().SequenceEqual(Request.Manifest.GetPieceHash(piece).Sha1.Span);

    private PieceAckStatus End(int piece, byte[] bytes)
    {
        List<int> whole = [];
        lock (_disk.Gate)
        {
            if (!SHA1.HashData(bytes).AsSpan().SequenceEqual(Request.Manifest.GetPieceHash(piece).Sha1.Span))
            {
                return PieceAckStatus.HashMismatch;
            }

            bytes.CopyTo(_saved.Bytes, Request.Manifest.GetPieceOffset(piece));
            _have.Set(piece);
            foreach (var file in Request.Manifest.Files)
            {
                var (first, count) = Layout.GetPieces(file);
                if (count > 0 && piece >= first && piece < first + count && Request.Selection.IsSelected(file.Index)
                    && Enumerable.Range(first, count).All(one => _have[one]))
                {
                    whole.Add(file.Index);
                }
            }
        }

        whole.ForEach(file => FileWhole?.Invoke(file));
        return PieceAckStatus.Accepted;
    }

    private sealed class Transfer(MemoryStorage storage, int piece) : IPieceTransfer
    {
        private readonly byte[] _bytes = new byte[storage.Request.Manifest.GetPieceLength(piece)];
        private int _done;

        public PieceAckStatus Write(int offset, ReadOnlySpan<byte> data)
        {
            if (offset != _done || offset + data.Length > _bytes.Length)
            {
                return PieceAckStatus.Malformed;
            }

            data.CopyTo(_bytes.AsSpan(offset));
            _done += data.Length;
            return _done == _bytes.Length ? storage.End(piece, _bytes) : PieceAckStatus.Pending;
        }

        public void Dispose()
        {
        }
    }
}
