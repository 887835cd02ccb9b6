namespace QbSync.Testing.Machine;

/// <summary>A folder of its own for one test, gone afterwards with all it holds.</summary>
public sealed class TempDirectory : IDisposable
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);
    private static int _count;

    /// <param name="place">Where to make it; else where temporary files go.</param>
    public TempDirectory(string? place = null) => Path = place is null
        ? Directory.CreateTempSubdirectory("qbsync-test-").FullName
        : Directory.CreateDirectory(System.IO.Path.Combine(place, $"qbsync-test-{Environment.ProcessId}-{Interlocked.Increment(ref _count)}")).FullName;

    public string Path { get; }

    /// <summary>A path below it; folders are not made.</summary>
    public string this[params string[] parts] => System.IO.Path.Combine([Path, .. parts]);

    /// <summary>Makes a folder below it and says where.</summary>
    public string CreateFolder(params string[] parts) => Directory.CreateDirectory(this[parts]).FullName;

    /// <summary>Takes it away. Who still writes there when the test is over (a file is put in place, a watcher ends) may be in the way for a moment.</summary>
    public void Dispose()
    {
        var since = TimeProvider.System.GetTimestamp();
        while (!TryDelete(isLast: TimeProvider.System.GetElapsedTime(since) > LongestWait))
        {
            Thread.Yield();
        }
    }

    private bool TryDelete(bool isLast)
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (UnauthorizedAccessException) when (!OperatingSystem.IsWindows())
        {
            foreach (var folder in Directory.EnumerateDirectories(Path, "*", SearchOption.AllDirectories).Prepend(Path))
            {
                File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }

            Directory.Delete(Path, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
        }
        catch (IOException) when (!isLast)
        {
            return false;
        }

        return true;
    }
}
