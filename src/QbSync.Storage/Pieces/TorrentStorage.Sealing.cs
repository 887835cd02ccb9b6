using QbSync.Ports;
using QbSync.Storage.Inspection;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    private const int MaxProofBytes = 512 << 20;

    /// <inheritdoc />
    public async ValueTask<StoredProof?> SealAsync(SealRequest request, CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        await _context.Links.FlushAsync().ConfigureAwait(false);
        return await RunInTurnAsync(() => Task.FromResult(SealInTurn(request)), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask<StoredProof?> ReadProofAsync(CancellationToken cancellationToken) =>
        await RunInTurnAsync(() => Task.FromResult(Phase.IsComplete() ? ReadProof() : null), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async ValueTask<string?> FindBadCheckAsync(CancellationToken cancellationToken) =>
        await Task.Run(() => CheckVerdicts.Find(_context.State, _request.Manifest.Id), cancellationToken).ConfigureAwait(false);

    /// <summary>Every file is looked at, then the proof is written, then the record that makes it count: a crash in between leaves a torrent to be sealed again.</summary>
    private StoredProof? SealInTurn(SealRequest request)
    {
        var files = new List<ProofFile>(_files.Count);
        foreach (var file in _files.Values)
        {
            if (!IsUnchanged(file) || !IsReadBack(file.Index))
            {
                return null;
            }

            var at = _readBackAt.TryGetValue(file.Index, out var seen) || _journal.State.ReadBack.TryGetValue(file.Index, out seen)
                ? seen
                : (DateTimeOffset?)null;
            files.Add(new ProofFile(file.Index, string.Join('/', GetPathParts(file.Index)), file.Record!, at));
        }

        var bytesRead = CountReadBack();
        var (content, id) = ProofFormat.Write(
            new ProofContent(_request, request, _context.Incarnation, Epoch, _context.Time.GetUtcNow(), bytesRead, files));
        using (var folder = _folder.Open())
        {
            AtomicFile.Write(_context.Files, folder, SessionFolder.ProofName, content.Span, _context.Metrics);
        }

        Commit(batch => batch.AddPhase(StoredPhase.Complete, null));
        return new StoredProof(id, Layout.Manifest.InfoDigest, bytesRead);
    }

    private StoredProof? ReadProof()
    {
        using var folder = _folder.Open();
        return AtomicFile.Read(_context.Files, folder, SessionFolder.ProofName, MaxProofBytes) is { } content
            ? ProofFormat.Read(content, Layout.Manifest.Id)
            : null;
    }

    /// <summary>Bytes of pieces that were read back, pads left out.</summary>
    private long CountReadBack()
    {
        var bytes = 0L;
        lock (_gate)
        {
            for (var piece = _verified.NextSet(0); piece >= 0; piece = piece + 1 < _verified.Length ? _verified.NextSet(piece + 1) : -1)
            {
                Layout.GetSegments(piece, _segments);
                foreach (var segment in _segments)
                {
                    bytes += segment.IsPad ? 0 : segment.Length;
                }
            }
        }

        return bytes;
    }
}
