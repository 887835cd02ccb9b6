using OnlyStorage;

// Copies a torrent's content into another folder piece by piece, each verified, files under their final names only when they are whole:
//   OnlyStorage TORRENT CONTENT FOLDER [--crash-after N] [--container]
// With --crash-after it dies, as by a power cut, when N pieces are durable; begun again, it goes on where it was.
if (args is not [var torrent, var content, var folder, .. var more])
{
    Console.Error.WriteLine("Usage: OnlyStorage TORRENT CONTENT FOLDER [--crash-after N] [--container]");
    return 2;
}

var at = Array.IndexOf(more, "--crash-after");
var job = new CopyJob(torrent, content, Path.GetFullPath(folder), CrashAfter: at < 0 ? int.MaxValue : int.Parse(more[at + 1], null));
return await (more.Contains("--container") ? InContainer.CopyAsync(job) : ByConstructor.CopyAsync(job));
