using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Destination.Kit;

/// <summary>A torrent of the real store whose calls a test can hold back or let fail.</summary>
internal sealed class GatedStorage(RigDisk disk, ITorrentStorage inner) : ITorrentStorage
{
    public event Action<int>? FileWhole
    {
        add => inner.FileWhole += value;
        remove => inner.FileWhole -= value;
    }

    public event Action? SettleDue
    {
        add => inner.SettleDue += value;
        remove => inner.SettleDue -= value;
    }

    public ITorrentStorage Inner => inner;

    /// <summary>Pieces are refused for want of space.</summary>
    public bool IsFull { get; set; }

    /// <summary>Set to hold back read-backs until the test lets them go.</summary>
    public Task VerifyGate { get; set; } = Task.CompletedTask;

    /// <summary>Set to hold back settling until the test lets it go.</summary>
    public Task SettleGate { get; set; } = Task.CompletedTask;

    /// <summary>Set to hold back sealing until the test lets it go.</summary>
    public Task SealGate { get; set; } = Task.CompletedTask;

    /// <summary>Set to hold back removal until the test lets it go.</summary>
    public Task DiscardGate { get; set; } = Task.CompletedTask;

    public StoreRequest Request => inner.Request;

    public PieceLayout Layout => inner.Layout;

    public StoredPhase Phase => inner.Phase;

    public ulong Epoch => inner.Epoch;

    public ulong Losses => inner.Losses;

    public Refusal? Failure => inner.Failure;

    public int HeldPieces => inner.HeldPieces;

    public int DeferredPieces => inner.DeferredPieces;

    public bool IsUnsettled => inner.IsUnsettled;

    public bool AddedByUs => inner.AddedByUs;

    public TimeSpan Uncontacted => inner.Uncontacted;

    public PieceBitmap CopyHave() => inner.CopyHave();

    public PieceBitmap CopyDeferred() => inner.CopyDeferred();

    public bool IsPublished(int fileIndex) => inner.IsPublished(fileIndex);

    public PieceAckStatus Begin(int piece, out IPieceTransfer? transfer)
    {
        transfer = null;
        return IsFull ? PieceAckStatus.NoSpace : inner.Begin(piece, out transfer);
    }

    public async ValueTask<SettleOutcome> SettleAsync(IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        await SettleGate.WaitAsync(cancellationToken);
        disk.ThrowIfFaulty(nameof(SettleAsync));
        return await inner.SettleAsync(bytesRead, cancellationToken);
    }

    public ValueTask<int> FlushAsync(CancellationToken cancellationToken)
    {
        disk.ThrowIfFaulty(nameof(FlushAsync));
        return inner.FlushAsync(cancellationToken);
    }

    public async ValueTask<int> VerifyFileAsync(int fileIndex, IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        await VerifyGate.WaitAsync(cancellationToken);
        disk.ThrowIfFaulty(nameof(VerifyFileAsync));
        return await inner.VerifyFileAsync(fileIndex, bytesRead, cancellationToken);
    }

    public ValueTask<Refusal?> PublishFilesAsync(IReadOnlyList<int> fileIndices, CancellationToken cancellationToken)
    {
        disk.ThrowIfFaulty(nameof(PublishFilesAsync));
        return inner.PublishFilesAsync(fileIndices, cancellationToken);
    }

    public ValueTask<Refusal?> ExportPartFileAsync(string partFileName, CancellationToken cancellationToken) =>
        inner.ExportPartFileAsync(partFileName, cancellationToken);

    public ValueTask<IReadOnlyList<int>> CheckPublishedAsync(CancellationToken cancellationToken) => inner.CheckPublishedAsync(cancellationToken);

    public ValueTask<int> ReexamineFilesAsync(IReadOnlyCollection<int> fileIndices, IProgress<long>? bytesRead, CancellationToken cancellationToken) =>
        inner.ReexamineFilesAsync(fileIndices, bytesRead, cancellationToken);

    public async ValueTask<StoredProof?> SealAsync(SealRequest request, CancellationToken cancellationToken)
    {
        await SealGate.WaitAsync(cancellationToken);
        disk.ThrowIfFaulty(nameof(SealAsync));
        return await inner.SealAsync(request, cancellationToken);
    }

    public ValueTask<string?> FindBadCheckAsync(CancellationToken cancellationToken) => inner.FindBadCheckAsync(cancellationToken);

    public ValueTask<StoredProof?> ReadProofAsync(CancellationToken cancellationToken) => inner.ReadProofAsync(cancellationToken);

    public ValueTask SetPhaseAsync(StoredPhase phase, Refusal? failure, CancellationToken cancellationToken)
    {
        disk.ThrowIfFaulty(nameof(SetPhaseAsync));
        return inner.SetPhaseAsync(phase, failure, cancellationToken);
    }

    public ValueTask SetParametersAsync(TorrentParameters parameters, CancellationToken cancellationToken) => inner.SetParametersAsync(parameters, cancellationToken);

    public ValueTask SetIdentitiesAsync(
        IReadOnlyList<FileIdentity?> identities, ReadOnlyMemory<byte> filesDigest, CancellationToken cancellationToken) =>
        inner.SetIdentitiesAsync(identities, filesDigest, cancellationToken);

    public ValueTask SetAddedByUsAsync(bool value, CancellationToken cancellationToken) => inner.SetAddedByUsAsync(value, cancellationToken);

    public ValueTask SetUncontactedAsync(TimeSpan value, CancellationToken cancellationToken) => inner.SetUncontactedAsync(value, cancellationToken);

    public IReadOnlyList<(string Path, long Bytes)> ListUnfinished() => inner.ListUnfinished();

    public async ValueTask<(int Files, long Bytes)> DiscardAsync(bool keepFiles, CancellationToken cancellationToken)
    {
        await DiscardGate.WaitAsync(cancellationToken);
        disk.ThrowIfFaulty(nameof(DiscardAsync));
        return await inner.DiscardAsync(keepFiles, cancellationToken);
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    /// <summary>Spoils a piece on the disk, behind the back of the bits.</summary>
    public void Corrupt(int piece)
    {
        List<PieceSegment> segments = [];
        Layout.GetSegments(piece, segments);
        var segment = segments.First(one => !one.IsPad && Layout.Selection.IsSelected(one.FileIndex));
        var partial = disk.Unfinished.SingleOrDefault(path => path.EndsWith($"-{segment.FileIndex}.qbsync-part", StringComparison.Ordinal));
        var path = partial ?? string.Join('/', [.. Request.Place.SubPath, .. Request.FileNames[segment.FileIndex]]);
        using var file = new FileStream(Path.Combine(disk.Data, path), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Position = segment.FileOffset;
        var value = file.ReadByte();
        file.Position = segment.FileOffset;
        file.WriteByte((byte)(value ^ 0xff));
    }
}
