using QbSync.Host.Configuration;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Storage.Inspection;
using QbSync.Torrents;

namespace QbSync.Host.Doctor.Client;

/// <summary>Whether what lies at the mapped paths is what the client has there, by the hash of one piece: names and sizes prove nothing.</summary>
internal sealed class PathsHashCheck() : DoctorCheck("paths.hash", Roles.Source)
{
    public override async Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken)
    {
        if (await patient.FindClientAsync(cancellationToken) is not var (client, description))
        {
            return Finding.Skip("the client did not let us in");
        }

        var sample = (await FileSample.TakeAsync(patient, cancellationToken)).FirstOrDefault(static file => file.IsFound);
        if (sample is null)
        {
            return Finding.Skip("no file of a complete torrent was found");
        }

        var bytes = await client.GetManifestAsync(sample.Torrent.Id, cancellationToken);
        var manifest = TorrentManifest.Parse(bytes);
        var list = await client.GetFilesAsync(sample.Torrent.Id, cancellationToken);
        var paths = patient.PathsOf(description);
        var root = sample.Torrent.SavePath.TrimEnd('/', '\\');
        var names = list.Select(static file => file.Path).ToHashSet(StringComparer.Ordinal);
        var first = Enumerable.Range(0, manifest.PieceCount).FirstOrDefault(piece => IsWanted(manifest, piece, list), -1);
        if (first < 0 || manifest.Files.Any(file => file.IsReal && !names.Contains(string.Join('/', file.Path))))
        {
            return Finding.Skip($"'{sample.Torrent.Name}' has other names at the client than in its .torrent");
        }

        var verdict = PieceLook.Check(manifest, first, index => paths.Find($"{root}/{string.Join('/', manifest.Files[index].Path)}"), cancellationToken);
        return Judge(verdict, sample.Torrent.Name, first, sample.LocalPath!);
    }

    public static Finding Judge(PieceReadStatus verdict, string name, int piece, string path) => verdict switch
    {
        PieceReadStatus.Read => Finding.Ok($"piece {piece} of '{name}' has the hash of its .torrent"),
        PieceReadStatus.HashMismatch => Finding.Fail(
            $"piece {piece} of '{name}' at {path} has another hash than its .torrent says", "Is it the folder that the client writes to? Let the client check that torrent."),
        _ => Finding.Skip($"piece {piece} of '{name}' could not be read: {verdict}"),
    };

    /// <summary>A piece of which every file is complete at the client.</summary>
    private static bool IsWanted(TorrentManifest manifest, int piece, IReadOnlyList<ClientFile> files)
    {
        var segments = new List<PieceSegment>();
        new PieceLayout(manifest, Selection.All(manifest)).GetSegments(piece, segments);
        var complete = files.Where(static file => file is { Selected: true, Progress: >= 1 }).Select(static file => file.Path).ToHashSet(StringComparer.Ordinal);
        return segments.TrueForAll(segment => segment.IsPad || complete.Contains(string.Join('/', manifest.Files[segment.FileIndex].Path)));
    }
}
