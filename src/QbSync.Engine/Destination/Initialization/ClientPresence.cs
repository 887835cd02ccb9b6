using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination.Initialization;

/// <summary>What follows from the client having a torrent that we did not add: it is never stopped, tagged, moved or written under by us.</summary>
internal static class ClientPresence
{
    /// <summary>Why a torrent that somebody else added stands in the way, or null when it does not.</summary>
    /// <param name="status">What the client shows.</param>
    /// <param name="savePath">Where we would save, as the client sees it.</param>
    /// <param name="selectedBytes">What we want of it.</param>
    public static Refusal? Refuse(TorrentStatus status, string savePath, long selectedBytes)
    {
        if (Refuse(status) is { } refusal)
        {
            return refusal;
        }

        if (status.SelectedSize > 0 && status.SelectedSize < selectedBytes)
        {
            return Incomplete;
        }

        return IsSamePath(status.SavePath, savePath)
            ? null
            : new Refusal(RefusalReason.ClientElsewhere, $"The client here has the torrent at {status.SavePath}; it would be saved at {savePath}.");
    }

    /// <summary>The same by its state alone, wherever it lies.</summary>
    public static Refusal? Refuse(TorrentStatus status)
    {
        if (status.State is ClientTorrentState.MissingFiles or ClientTorrentState.Error)
        {
            return new Refusal(RefusalReason.ClientMissingFiles, $"The client here has the torrent in state {status.State} at {status.SavePath}.");
        }

        if (IsUnsettled(status.State))
        {
            return new Refusal(RefusalReason.ClientChecking, $"The client here has the torrent in state {status.State}.");
        }

        return status.IsComplete ? null : Incomplete;
    }

    /// <summary>Why this client cannot hold such a torrent, known before a byte of it is sent; null when it can.</summary>
    public static Refusal? RefuseKind(StoreRequest request, ClientDescription describes)
    {
        var (manifest, can) = (request.Manifest, describes.Capabilities);
        if (manifest.V1.Length == 0 && !can.HoldsV2Torrents)
        {
            return Unsupported($"{describes.Product} holds no torrents that have a v2 hash alone.");
        }

        if (request.Place.Layout == ContentLayout.Subfolder && !can.AddsFolders
            && !ContentPaths.Of(manifest, ContentLayout.Subfolder).Zip(ContentPaths.Of(manifest, ContentLayout.Original)).All(static pair => pair.First.SequenceEqual(pair.Second)))
        {
            return Unsupported($"{describes.Product} cannot give a torrent without a folder one of its own.");
        }

        return request.Selection.SelectedCount < manifest.Files.Count(static file => file.IsReal) ? RefuseCheck(describes) : null;
    }

    /// <summary>Why this client must not check what is ours: one that keeps incomplete files elsewhere moves them there when a check does not end well.</summary>
    public static Refusal? RefuseCheck(ClientDescription describes) => describes is { TempPath: { } temp, Capabilities.StaysAtSavePath: false }
        ? Unsupported($"{describes.Product} may move what it checks to {temp}, and cannot be told otherwise for one torrent: turn its folder for incomplete torrents off.")
        : null;

    private static Refusal Unsupported(string detail) => new(RefusalReason.Unsupported, detail);

    private static Refusal Incomplete => new(RefusalReason.ClientIncomplete, "The client here has the torrent, not added by QbSync and not whole.");

    /// <summary>Whether the client has not made up its mind yet.</summary>
    public static bool IsUnsettled(ClientTorrentState state) =>
        state.IsChecking() || state is ClientTorrentState.Moving or ClientTorrentState.Allocating or ClientTorrentState.Unknown;

    /// <summary>Whether two paths of a client name one folder: it may write either separator, and one at the end.</summary>
    public static bool IsSamePath(string one, string other) =>
        one.Replace('\\', '/').TrimEnd('/').Equals(other.Replace('\\', '/').TrimEnd('/'), StringComparison.Ordinal);
}
