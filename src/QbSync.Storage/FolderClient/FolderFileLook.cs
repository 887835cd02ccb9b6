using QbSync.Torrents;

namespace QbSync.Storage.FolderClient;

/// <summary>What a file was when it was last looked at.</summary>
/// <param name="Identity">What the file system said.</param>
/// <param name="AgainDue">
/// Whether its missing pieces are hashed once more though it did not change: a write within the clock tick of the last look leaves size and time as they were.
/// </param>
internal readonly record struct FolderFileLook(FileIdentity Identity, bool AgainDue);
