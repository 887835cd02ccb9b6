using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Storage.State;
using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

/// <summary>
/// Looks at what lies on disk before a torrent is opened: own partial files, and files of exact size under final names. Only pieces that hash count; a file of
/// somebody else with a piece that does not is in the way. Changes nothing.
/// </summary>
internal sealed class ContentSettler(StorageContext context, StoreRequest request)
{
    private readonly Dictionary<int, (string Name, FileRecord Record)> _candidates = [];
    private readonly PieceLayout _layout = new(request.Manifest, request.Selection);

    /// <summary>Pieces found and hashed.</summary>
    public PieceBitmap Held { get; } = new(request.Manifest.PieceCount);

    /// <summary>What was found for each file.</summary>
    public IEnumerable<(int FileIndex, FileRecord Record)> Records => _candidates.Select(pair => (pair.Key, pair.Value.Record));

    /// <summary>Bytes that still need room on the device.</summary>
    public long RequiredBytes { get; private set; }

    /// <summary>Looks by name and size only.</summary>
    public Refusal? Survey()
    {
        foreach (var file in request.Manifest.Files)
        {
            if (!request.Selection.IsSelected(file.Index))
            {
                continue;
            }

            RequiredBytes += file.Length;
            try
            {
                if (Survey(file) is { } refusal)
                {
                    return refusal;
                }
            }
            catch (StorageException exception) when (exception.Fault == StorageFault.PathRefused)
            {
                return new Refusal(RefusalReason.PathRefused, $"'{Describe(file.Index)}': {exception.Message}");
            }
        }

        return null;
    }

    /// <summary>Reads and hashes what was found.</summary>
    public Refusal? Hash(CancellationToken cancellationToken)
    {
        if (_candidates.Count == 0)
        {
            return null;
        }

        var scratch = context.Scratch.Rent();
        using var reader = new ContentReader(context.Files, Open, static _ => null, static () => null);
        try
        {
            for (var piece = 0; piece < request.Manifest.PieceCount; piece++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (!_layout.IsSelected(piece))
                {
                    continue;
                }

                _layout.GetSegments(piece, scratch.Segments);
                if (!scratch.Segments.TrueForAll(segment => segment.IsPad || _candidates.ContainsKey(segment.FileIndex)))
                {
                    continue;
                }

                if (reader.Check(request.Manifest.GetPieceHash(piece), piece, scratch, _candidates.ContainsKey) == PieceVerdict.Good)
                {
                    Held.Set(piece);
                }
                else if (FindForeignOnly(scratch.Segments) is { } foreign)
                {
                    return Conflict(foreign);
                }
            }

            return null;
        }
        finally
        {
            context.Scratch.Return(scratch);
        }
    }

    private Refusal? Survey(TorrentFile file)
    {
        using var folder = OpenFolder(file.Index);
        if (folder is null)
        {
            return null;
        }

        var name = request.FileNames[file.Index][^1];
        if (context.Files.Stat(folder, name) is { } final)
        {
            if (final.Kind == FileKind.SymbolicLink)
            {
                return new Refusal(RefusalReason.PathRefused, $"'{Describe(file.Index)}' is a symbolic link.");
            }

            if (final.Kind != FileKind.File || final.Length != file.Length)
            {
                return Conflict(file.Index);
            }

            if (file.Length > 0)
            {
                _candidates[file.Index] = (name, FileRecord.Of(OwnKind.Adopted, final));
                RequiredBytes -= file.Length;
            }
        }
        else
        {
            var partialName = StoredFile.GetPartialName(request.Manifest.Id, file.Index);
            if (context.Files.Stat(folder, partialName) is { Kind: FileKind.File, Links: 1 } partial && partial.Length == file.Length)
            {
                _candidates[file.Index] = (partialName, FileRecord.Of(OwnKind.Partial, partial));
                RequiredBytes -= file.Length;
            }
        }

        return null;
    }

    /// <summary>Opens a candidate, flushed: bits will say that its bytes are durable.</summary>
    private FileHandle? Open(int fileIndex)
    {
        using var folder = OpenFolder(fileIndex);
        var file = folder is null ? null : context.Files.OpenFile(folder, _candidates[fileIndex].Name, writable: false);
        if (file is not null)
        {
            context.Files.Sync(file);
        }

        return file;
    }

    private FileHandle? OpenFolder(int fileIndex) =>
        context.Root.OpenFolder([.. request.Place.SubPath, .. request.FileNames[fileIndex].SkipLast(1)]);

    /// <summary>A file that is surely wrong: the piece lies in files of others alone.</summary>
    private int? FindForeignOnly(List<PieceSegment> segments)
    {
        int? found = null;
        foreach (var segment in segments)
        {
            if (!segment.IsPad)
            {
                found ??= segment.FileIndex;
                if (_candidates[segment.FileIndex].Record.Kind != OwnKind.Adopted)
                {
                    return null;
                }
            }
        }

        return found;
    }

    private Refusal Conflict(int fileIndex) =>
        new(RefusalReason.PathConflict, $"'{Describe(fileIndex)}' exists, was not made here and is not the torrent's; move it away.");

    private string Describe(int fileIndex) => context.Root.Describe([.. request.Place.SubPath, .. request.FileNames[fileIndex]]);
}
