using System.Globalization;
using System.Text;
using QbSync.Storage.IO;
using QbSync.Torrents;

namespace QbSync.Storage.Inspection;

/// <summary>
/// What checks found bad, in a folder <c>checks</c> of a destination's state: a file per torrent, put there and taken away by whoever checks, and read by the
/// destination before it proves anything. Needs no lock: a verdict is there whole or not at all. Stateless.
/// </summary>
public sealed class CheckVerdicts
{
    private const string Folder = "checks";
    private const string Suffix = ".bad";
    private const int MaxLength = 64 << 10;
    private readonly IFileSystem _files = LinuxFileSystem.Create();
    private readonly string _stateDirectory;

    /// <summary>Names the state folder.</summary>
    public CheckVerdicts(string stateDirectory) => _stateDirectory = stateDirectory;

    /// <summary>From now on, until a check is good, the torrent's proof is void.</summary>
    /// <param name="id">The torrent.</param>
    /// <param name="at">When it was found.</param>
    /// <param name="files">What was found.</param>
    /// <exception cref="StorageException">It cannot be written.</exception>
    public void Condemn(InfoHash id, DateTimeOffset at, IReadOnlyList<CheckedFile> files)
    {
        var bad = files.Where(static file => file.Mark.IsBad()).ToList();
        var text = string.Create(CultureInfo.InvariantCulture, $"a check at {at.UtcDateTime:yyyy-MM-dd HH:mm}Z found {bad.Count} of {files.Count} files bad, first {bad[0].Path}");
        using var state = RootDirectory.Open(_files, _stateDirectory, create: false);
        using var folder = state.EnsureFolder([Folder]);
        AtomicFile.Write(_files, folder, NameOf(id), Encoding.UTF8.GetBytes(text[..Math.Min(text.Length, MaxLength / 4)]));
    }

    /// <summary>A check was good. False when none had been bad.</summary>
    /// <exception cref="StorageException">The folder cannot be written.</exception>
    public bool Acquit(InfoHash id)
    {
        using var state = RootDirectory.Open(_files, _stateDirectory, create: false);
        using var folder = state.OpenFolder([Folder]);
        if (folder is null || !_files.Unlink(folder, NameOf(id)))
        {
            return false;
        }

        _files.SyncFolder(folder);
        return true;
    }

    /// <summary>What the last check found bad; null when it was good, or there was none.</summary>
    public string? Find(InfoHash id)
    {
        using var handle = _files.OpenRoot(_stateDirectory);
        if (handle is null)
        {
            return null;
        }

        using var state = RootDirectory.Open(_files, _stateDirectory, create: false);
        return Find(state, id);
    }

    internal static string? Find(RootDirectory state, InfoHash id)
    {
        using var folder = state.OpenFolder([Folder]);
        return folder is not null && AtomicFile.Read(state.Files, folder, NameOf(id), MaxLength) is { } text ? Encoding.UTF8.GetString(text) : null;
    }

    private static string NameOf(InfoHash id) => $"{id}{Suffix}";
}
