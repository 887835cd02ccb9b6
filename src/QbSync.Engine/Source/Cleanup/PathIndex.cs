using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using QbSync.Engine.Shared;
using QbSync.Engine.Source.Planning;
using QbSync.Engine.Source.Tracking;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Cleanup;

/// <summary>
/// Which files every torrent of the client has, by the client's lists: of all torrents, synced or not, since any of them may own a file that another one's
/// delete would take. Asks slowly, keeps what it was told for hours, and is complete or of no use. Thread-safe; its task belongs to the loop.
/// </summary>
internal sealed partial class PathIndex(
    ITorrentClient client, ILocalFiles disk, Live<SourceOptions> options, MonotonicClock clock, ILogger<PathIndex> logger)
{
    /// <summary>Time between two questions to the client, when there is no hurry and when there is.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public static readonly TimeSpan ShortPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(6);
    private static readonly TimeSpan CallTimeout = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(30);
    private const int AtOnce = 4;
    private readonly ConcurrentDictionary<ClientTorrentId, Entry> _entries = new();
    private readonly ConcurrentDictionary<ClientTorrentId, TimeSpan> _failed = new();
    private readonly FileFinder _finder = new(disk);
    private volatile View? _view;
    private volatile bool _isWanted;
    private volatile bool _isUrgent;

    /// <summary>Whether anybody needs it now, and soon.</summary>
    public void Want(bool isWanted, bool isUrgent) => (_isWanted, _isUrgent) = (isWanted, isUrgent);

    /// <summary>Takes the latest look at the client. Quick.</summary>
    public void See(ClientSnapshot snapshot) => _view = new View(snapshot.Update.Torrents, snapshot.Description);

    /// <summary>Torrents in the latest look.</summary>
    public int KnownTorrents => _view?.Torrents.Count ?? 0;

    /// <summary>Keeps it up to date while it is wanted, a question at a time.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            if (_isWanted && _view is { } view)
            {
                Prune(view);
                if (FindNext(view) is { } next)
                {
                    await AskAsync(next, stop).ConfigureAwait(false);
                }
            }

            await clock.DelayAsync(_isUrgent ? ShortPause : Pause, stop).ConfigureAwait(false);
        }
    }

    /// <summary>Looks at every file of every torrent on disk; null while not every list is known. Blocks.</summary>
    public PathSurvey? Survey(CancellationToken cancellationToken)
    {
        if (_view is not { } view || !view.Torrents.All(torrent => !HasFiles(torrent) || Current(torrent) is not null))
        {
            return null;
        }

        return Survey(view.Torrents, view.Client, cancellationToken);
    }

    /// <summary>The same for a list that was just fetched; asks the client at once for what is not known. Null when an answer lacks.</summary>
    /// <param name="torrents">Every torrent of the client.</param>
    /// <param name="anew">Those whose lists are asked for even if they are known.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<PathSurvey?> SurveyAsync(
        IReadOnlyList<TorrentStatus> torrents, IReadOnlyCollection<ClientTorrentId> anew, CancellationToken cancellationToken)
    {
        var described = await client.DescribeAsync(refresh: false, cancellationToken).AsTask()
            .WaitAsync(CallTimeout, clock.Provider, cancellationToken).ConfigureAwait(false);
        var isMissing = 0;
        await Parallel.ForEachAsync(
            torrents.Where(torrent => HasFiles(torrent) && (anew.Contains(torrent.Id) || Current(torrent) is null)),
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
            async (torrent, token) =>
            {
                if (!await AskAsync(torrent, token).ConfigureAwait(false))
                {
                    Interlocked.Exchange(ref isMissing, 1);
                }
            }).ConfigureAwait(false);
        return isMissing == 1 ? null : await Task.Run(() => Survey(torrents, described, cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    private PathSurvey? Survey(IReadOnlyList<TorrentStatus> torrents, ClientDescription description, CancellationToken cancellationToken)
    {
        PathMap map = new(options.Current, description);
        List<IndexedTorrent> found = new(torrents.Count);
        List<string> failed = [];
        foreach (var torrent in torrents)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!HasFiles(torrent))
            {
                found.Add(new IndexedTorrent(torrent, [], []));
            }
            else if (Current(torrent) is { } entry)
            {
                found.Add(_finder.Find(torrent, entry.Files, description, map, failed));
            }
            else
            {
                return null;
            }
        }

        return new PathSurvey(found, failed);
    }

    /// <summary>A magnet link whose metadata has not come has no file, and the client no list.</summary>
    private static bool HasFiles(TorrentStatus torrent) => ClientClasses.Of(torrent) != ClientClass.NoMetadata;

    private Entry? Current(TorrentStatus torrent) =>
        _entries.TryGetValue(torrent.Id, out var entry) && entry.Paths == Paths.Of(torrent) && clock.Now - entry.At <= Lifetime ? entry : null;

    /// <summary>One that is not known, else the one whose time ends first.</summary>
    private TorrentStatus? FindNext(View view)
    {
        foreach (var torrent in view.Torrents)
        {
            if (HasFiles(torrent) && Current(torrent) is null && !(_failed.TryGetValue(torrent.Id, out var at) && clock.Now - at < RetryAfter))
            {
                return torrent;
            }
        }

        return null;
    }

    private void Prune(View view)
    {
        if (_entries.Count <= view.Torrents.Count)
        {
            return;
        }

        var known = view.Torrents.Select(static torrent => torrent.Id).ToHashSet();
        foreach (var id in _entries.Keys.Where(id => !known.Contains(id)))
        {
            _entries.TryRemove(id, out _);
            _failed.TryRemove(id, out _);
        }
    }

    private async Task<bool> AskAsync(TorrentStatus torrent, CancellationToken cancellationToken)
    {
        // Known as of before the question: what changes meanwhile makes it stale.
        var (paths, at) = (Paths.Of(torrent), clock.Now);
        try
        {
            var files = await client.GetFilesAsync(torrent.Id, cancellationToken).AsTask()
                .WaitAsync(CallTimeout, clock.Provider, cancellationToken).ConfigureAwait(false);
            _entries[torrent.Id] = new Entry(paths, at, files);
            _failed.TryRemove(torrent.Id, out _);
            return true;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _entries.TryRemove(torrent.Id, out _);
            _failed[torrent.Id] = clock.Now;
            Log.FilesUnknown(logger, torrent.Name, e.Message);
            return false;
        }
    }

    private sealed record View(IReadOnlyList<TorrentStatus> Torrents, ClientDescription Client);

    private sealed record Entry(Paths Paths, TimeSpan At, IReadOnlyList<ClientFile> Files);

    /// <summary>What shows that the files of a torrent may be elsewhere than they were.</summary>
    private readonly record struct Paths(string Save, string Content, string Download, string Name, ClientClass Class, long SelectedSize)
    {
        public static Paths Of(TorrentStatus torrent) => new(
            torrent.SavePath, torrent.ContentPath, torrent.DownloadPath, torrent.Name, ClientClasses.Of(torrent), torrent.SelectedSize);
    }
}

/// <summary>All torrents with their files on disk.</summary>
/// <param name="Torrents">Every torrent of the client.</param>
/// <param name="Failed">Paths at which the system did not tell what stands there.</param>
internal sealed record PathSurvey(IReadOnlyList<IndexedTorrent> Torrents, IReadOnlyList<string> Failed);
