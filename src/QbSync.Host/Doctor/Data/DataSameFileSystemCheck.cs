using QbSync.Host.Configuration;
using QbSync.Storage.IO;

namespace QbSync.Host.Doctor.Data;

/// <summary>Whether all that the client saves below the data folder is on one file system: there are no links from one to another.</summary>
internal sealed class DataSameFileSystemCheck() : DoctorCheck("data.samefs", Roles.Destination)
{
    private const int MostFolders = 1000;

    public override async Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken)
    {
        var files = new LocalFiles();
        HashSet<string> folders = [.. Directory.EnumerateDirectories(patient.Settings.Data, "*", Readable).Take(MostFolders)];
        if (await patient.FindClientAsync(cancellationToken) is var (_, description) && await patient.PollAsync(cancellationToken) is { } update)
        {
            var paths = patient.PathsOf(description);
            folders.UnionWith(update.Torrents.Select(torrent => paths.Find(torrent.SavePath)).OfType<string>().Distinct().Take(MostFolders));
        }

        return files.GetFileSystem(patient.Settings.Data) is { } root
            ? Judge(folders.Where(folder => files.GetFileSystem(folder) is { } space && space.Device != root.Device).Order(StringComparer.Ordinal).ToList())
            : Finding.Skip("the system does not tell");
    }

    public static Finding Judge(IReadOnlyList<string> others) => others.Count == 0
        ? Finding.Ok("everything below the data folder is on one file system")
        : Finding.Warn(
            $"{string.Join(", ", others.Take(3))}{(others.Count > 3 ? $" and {others.Count - 3} more" : "")} lie on other file systems than the data folder",
            "Nothing can be linked from one to another, and free space is watched on the data folder's alone.");

    private static EnumerationOptions Readable { get; } = new() { IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint };
}
