using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

/// <summary>
/// Looks by name and size at what lies where a torrent's files would go: own hidden files, files of exact size under final names, files that another session
/// brings. Reads no content, changes nothing, keeps nothing. Thread-safe.
/// </summary>
internal sealed class ContentSurvey(StorageContext context, StoreRequest request)
{
    /// <summary>What was found for each file of a torrent that is about to be opened.</summary>
    public Dictionary<int, LocalContent> Found { get; } = [];

    /// <summary>Bytes that still need room on the device.</summary>
    public long RequiredBytes { get; private set; }

    /// <summary>Looks at every selected file that <paramref name="isNew"/> names; null when nothing is in the way.</summary>
    public Refusal? Run(Predicate<int> isNew)
    {
        foreach (var file in request.Manifest.Files)
        {
            if (!request.Selection.IsSelected(file.Index) || !isNew(file.Index))
            {
                continue;
            }

            try
            {
                var local = Look(file.Index);
                if (local is { Kind: LocalKind.Conflict })
                {
                    return Conflict(file.Index);
                }

                RequiredBytes += local is null ? file.Length : 0;
                if (local is not null && file.Length > 0)
                {
                    Found[file.Index] = local;
                }
            }
            catch (StorageException exception) when (exception.Fault == StorageFault.PathRefused)
            {
                return new Refusal(RefusalReason.PathRefused, $"'{Describe(file.Index)}': {exception.Message}");
            }
        }

        return null;
    }

    /// <summary>What lies where the file would go; null for nothing.</summary>
    /// <exception cref="StorageException"><see cref="StorageFault.PathRefused"/> for a symbolic link.</exception>
    public LocalContent? Look(int fileIndex)
    {
        var length = request.Manifest.Files[fileIndex].Length;
        var isTaken = context.Paths.FindOwner(GetPath(request, fileIndex), request.Manifest.Id) is not null;
        using var folder = context.Root.OpenFolder([.. request.Place.SubPath, .. request.FileNames[fileIndex].SkipLast(1)]);
        if (folder is not null)
        {
            var name = request.FileNames[fileIndex][^1];
            if (context.Files.Stat(folder, name) is { } final)
            {
                if (final.Kind == FileKind.SymbolicLink)
                {
                    throw new StorageException(StorageFault.PathRefused, $"'{Describe(fileIndex)}' is a symbolic link.");
                }

                var isRight = final.Kind == FileKind.File && final.Length == length;
                return new LocalContent(
                    isRight ? LocalKind.Candidate : LocalKind.Conflict, name, FileRecord.Of(isTaken ? OwnKind.Shared : OwnKind.Adopted, final));
            }

            // A hidden name with more than one link is never written to: what it leads to may be somebody's final file.
            var partialName = StoredFile.GetPartialName(request.Manifest.Id, fileIndex);
            if (context.Files.Stat(folder, partialName) is { Kind: FileKind.File } partial && (partial.Length == length || partial.Links > 1))
            {
                return new LocalContent(LocalKind.Candidate, partialName, FileRecord.Of(partial.Links > 1 ? OwnKind.Linked : OwnKind.Partial, partial));
            }
        }

        return isTaken ? LocalContent.Waiting : null;
    }

    /// <summary>Final path of a file below the root, as it is reserved.</summary>
    public static string GetPath(StoreRequest request, int fileIndex) => string.Join('/', request.Place.SubPath.Concat(request.FileNames[fileIndex]));

    /// <summary>A file that is not the torrent's is in the way.</summary>
    public Refusal Conflict(int fileIndex) =>
        new(RefusalReason.PathConflict, $"'{Describe(fileIndex)}' exists, was not made here and is not the torrent's; move it away.");

    private string Describe(int fileIndex) => context.Root.Describe([.. request.Place.SubPath, .. request.FileNames[fileIndex]]);
}
