using System.ComponentModel;
using QbSync.Pieces;
using QbSync.Storage.IO;
using QbSync.Storage.Pieces;

namespace QbSync.Storage.Inspection;

/// <summary>
/// Reads content back from the device and compares every piece with the manifest, one file at a time. Changes nothing on disk. Thread-safe; each call is a run.
/// </summary>
public sealed class ContentCheck(TimeProvider time)
{
    private readonly IFileSystem _files = LinuxFileSystem.Create();

    /// <summary>Bytes a second; 0 for no limit. Taken while a run goes on.</summary>
    public long RateLimit { get; set; }

    /// <summary>Whether what the system has in memory will do, instead of what is on the device.</summary>
    public bool Cached { get; init; }

    /// <summary>Whether files are told that lie among the torrent's and are not in its manifest.</summary>
    public bool WithExtra { get; init; }

    /// <summary>Checks content.</summary>
    /// <exception cref="StorageException">The root is not there.</exception>
    public Task<IReadOnlyList<CheckedFile>> RunAsync(CheckedContent content, CancellationToken cancellationToken) =>
        Task.Run(() => CheckAsync(content, cancellationToken), cancellationToken);

    private async Task<IReadOnlyList<CheckedFile>> CheckAsync(CheckedContent content, CancellationToken cancellationToken)
    {
        using var root = RootDirectory.Open(_files, content.Root, create: false);
        using var reader = new CheckReader(_files, root, content, dropsCache: !Cached);
        using var hasher = new PieceHasher();
        var layout = new PieceLayout(content.Manifest, content.Selection);
        var bad = new Dictionary<int, List<int>>();
        var segments = new List<PieceSegment>();
        for (var piece = 0; piece < content.Manifest.PieceCount; piece++)
        {
            if (!layout.IsSelected(piece))
            {
                continue;
            }

            cancellationToken.ThrowIfCancellationRequested();
            var began = time.GetTimestamp();
            layout.GetSegments(piece, segments);
            hasher.Begin(content.Manifest.GetPieceHash(piece));
            if (!reader.Append(piece, segments, hasher, cancellationToken) || !hasher.Matches())
            {
                foreach (var segment in segments.Where(segment => !segment.IsPad && content.Selection.IsSelected(segment.FileIndex)))
                {
                    (bad.TryGetValue(segment.FileIndex, out var pieces) ? pieces : bad[segment.FileIndex] = []).Add(piece);
                }
            }

            await SlowDownAsync(content.Manifest.GetPieceLength(piece), began, cancellationToken).ConfigureAwait(false);
        }

        List<CheckedFile> found = [];
        foreach (var file in content.Manifest.Files.Where(file => content.Selection.IsSelected(file.Index)))
        {
            var path = string.Join('/', content.FileNames[file.Index]);
            var pieces = bad.GetValueOrDefault(file.Index, []);
            found.Add(reader.Look(file.Index) switch
            {
                { Failure: { } failure } => new CheckedFile(path, FileMark.Unreadable) { Error = Describe(failure), BadPieces = pieces },
                { IsThere: false } => new CheckedFile(path, FileMark.Missing),
                { Length: var length } when length != file.Length || pieces.Count > 0 => new CheckedFile(path, FileMark.Bad) { BadPieces = pieces },
                _ => new CheckedFile(path, FileMark.Good),
            });
        }

        return WithExtra ? [.. found, .. ExtraFiles.Find(_files, root, content).Select(static path => new CheckedFile(path, FileMark.Extra))] : found;
    }

    private async Task SlowDownAsync(int bytes, long began, CancellationToken cancellationToken)
    {
        if (RateLimit > 0 && TimeSpan.FromSeconds((double)bytes / RateLimit) - time.GetElapsedTime(began) is { } rest && rest > TimeSpan.Zero)
        {
            await Task.Delay(rest, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private static string Describe(StorageException failure) =>
        failure.InnerException is Win32Exception system ? $"errno {system.NativeErrorCode}: {system.Message}" : failure.Message;
}
