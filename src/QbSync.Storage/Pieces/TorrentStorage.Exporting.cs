using System.Buffers;
using QbSync.Outcomes;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    /// <inheritdoc />
    public async ValueTask<Refusal?> ExportPartFileAsync(string partFileName, CancellationToken cancellationToken)
    {
        if (!Layout.HasBoundaryPieces || _boundary.GetLength() == BoundaryFile.GetHeaderLength(Layout.Manifest.PieceCount))
        {
            return null;
        }

        await FlushAsync(cancellationToken).ConfigureAwait(false);
        return await RunInTurnAsync(() => Task.FromResult(ExportInTurn(partFileName)), cancellationToken).ConfigureAwait(false);
    }

    private Refusal? ExportInTurn(string name)
    {
        var files = _context.Files;
        using var own = _folder.Open();
        using var source = files.OpenFile(own, SessionFolder.BoundaryName, writable: false)
            ?? throw new StorageException(StorageFault.Io, $"The boundary file in '{_folder.Path}' is gone.");
        if (FindWrongNeighbour(source) is { } wrong)
        {
            return new Refusal(RefusalReason.PathConflict, $"'{DescribeFile(wrong)}' is not selected, and what stands there is not the torrent's.");
        }

        using var folder = _context.Root.EnsureFolder([.. _request.Place.SubPath]);
        if (files.Stat(folder, name) is null)
        {
            Commit(batch => batch.Begin(RecordType.Exporting));
            var temporary = StoredFile.GetPartialName(Layout.Manifest.Id, Layout.Manifest.Files.Count); // no file has this index
            files.Unlink(folder, temporary);
            using (var copy = files.CreateFile(folder, temporary)
                ?? throw new StorageException(StorageFault.PathConflict, $"Somebody else writes '{temporary}'."))
            {
                Walk(source, copy, isCopy: true);
                files.Sync(copy);
            }

            // False when somebody made the name since the look; then what they made is compared, as if it had been there.
            files.RenameNew(folder, temporary, folder, name);
            SyncFolder(folder);
        }

        using var exported = files.OpenFile(folder, name, writable: false);
        if (exported is null || !Walk(source, exported, isCopy: false))
        {
            // Another's part file serves if it has the right bytes where the client reads them; it stays theirs.
            return exported is not null && Serves(source, exported)
                ? null
                : new Refusal(RefusalReason.PathConflict, $"Another part file stands at '{_context.Root.Describe([.. _request.Place.SubPath, name])}'.");
        }

        var record = FileRecord.Of(OwnKind.Published, files.Stat(exported));
        Commit(batch => batch.AddExported(name, record));
        return null;
    }

    /// <summary>Copies the boundary file, holes left as holes; or, with the copy there, tells whether both are equal.</summary>
    private bool Walk(FileHandle source, FileHandle copy, bool isCopy)
    {
        var files = _context.Files;
        var buffer = ArrayPool<byte>.Shared.Rent(2 * ContentReader.SliceLength);
        try
        {
            var length = files.Stat(source).Length;
            if (isCopy)
            {
                files.SetLength(copy, length);
            }
            else if (files.Stat(copy).Length != length)
            {
                return false;
            }

            for (var offset = 0L; offset < length; offset += ContentReader.SliceLength)
            {
                var slice = buffer.AsSpan(0, files.Read(source, buffer.AsSpan(0, ContentReader.SliceLength), offset));
                var other = buffer.AsSpan(ContentReader.SliceLength, slice.Length);
                if (isCopy && slice.ContainsAnyExcept((byte)0))
                {
                    files.Write(copy, slice, offset);
                }
                else if (!isCopy && (files.Read(copy, other, offset) < other.Length || !other.SequenceEqual(slice)))
                {
                    return false;
                }
            }

            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
