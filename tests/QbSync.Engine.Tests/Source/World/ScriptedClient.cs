using System.Collections.Concurrent;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>A torrent client whose torrents the test moves, and the disk that holds their bytes. Thread-safe.</summary>
internal sealed partial class ScriptedClient(TimeProvider time) : ITorrentClient, IPieceReader
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ClientTorrentId, ScriptedTorrent> _torrents = [];
    private readonly List<ClientTorrentId> _removed = [];
    private long _sequence;
    private int _pollsNow;

    public bool IsDown { get; set; }

    /// <summary>Its figure of the free space.</summary>
    public long? FreeBytes { get; set; }

    public int Polls { get; private set; }

    /// <summary>How many of the next calls that set a tag fail.</summary>
    public int TagFaults { get; set; }

    /// <summary>How many of the next calls that set a tag are answered as done and do nothing.</summary>
    public int TagsDropped { get; set; }

    /// <summary>How long an answer to a poll takes.</summary>
    public TimeSpan PollTime { get; set; }

    /// <summary>Most polls that were under way at once.</summary>
    public int MostPollsAtOnce { get; private set; }

    /// <summary>The next poll is answered by a full list, as after a restart of the client.</summary>
    public bool NextIsFull { get; set; }

    /// <summary>It came up without its profile: it lists nothing.</summary>
    public bool ListsNothing { get; set; }

    /// <summary>What a call is answered while <see cref="IsDown"/>.</summary>
    public TorrentClientException Fault { get; set; } = new(ClientFault.Unreachable, "call", "The client is down.");

    /// <summary>What an export is answered instead; null for the truth.</summary>
    public Func<ClientTorrentId, TorrentClientException?> OnExport { get; set; } = static _ => null;

    /// <summary>How reading a piece ends instead; null for the truth.</summary>
    public Func<int, PieceReadStatus?> OnRead { get; set; } = static _ => null;

    /// <summary>When pieces were asked for, and of which torrent.</summary>
    public ConcurrentQueue<(DateTimeOffset At, ClientTorrentId Id)> PieceCalls { get; } = [];

    public ConcurrentQueue<int> Reads { get; } = [];

    public ClientAvailability Availability { get; set; } = ClientAvailability.Available;

    public event Action<ClientAvailability>? AvailabilityChanged
    {
        add { }
        remove { }
    }

    public ScriptedTorrent Add(BuiltTorrent torrent, bool complete = true)
    {
        var added = new ScriptedTorrent(torrent, time.GetUtcNow());
        if (complete)
        {
            added.Has.SetAll();
        }

        lock (_gate)
        {
            _torrents[added.Id] = added;
        }

        return added;
    }

    public ScriptedTorrent Find(BuiltTorrent torrent)
    {
        lock (_gate)
        {
            return _torrents.Values.Single(known => known.Torrent == torrent);
        }
    }

    public void Change(Action change)
    {
        lock (_gate)
        {
            change();
        }
    }

    /// <summary>The user removes them, all in one look of ours; the client names them.</summary>
    public void Remove(params IEnumerable<ScriptedTorrent> torrents)
    {
        lock (_gate)
        {
            foreach (var torrent in torrents)
            {
                _torrents.Remove(torrent.Id);
                _removed.Add(torrent.Id);
            }
        }
    }

    public ValueTask<ClientDescription> DescribeAsync(bool refresh, CancellationToken cancellationToken)
    {
        ThrowIfDown();
        return new(new ClientDescription { Product = "scripted", DefaultSavePath = "/downloads", Epoch = 1 });
    }

    public async ValueTask<ClientUpdate> PollAsync(IReadOnlyCollection<ClientTorrentId> watched, CancellationToken cancellationToken)
    {
        ThrowIfDown();
        lock (_gate)
        {
            Polls++;
            MostPollsAtOnce = Math.Max(MostPollsAtOnce, ++_pollsNow);
        }

        try
        {
            await Task.Delay(PollTime, time, cancellationToken);
        }
        finally
        {
            lock (_gate)
            {
                _pollsNow--;
            }
        }

        lock (_gate)
        {
            var kind = ++_sequence == 1 || _isRestarted || NextIsFull ? ClientUpdateKind.Full : ClientUpdateKind.Delta;
            (_isRestarted, NextIsFull) = (false, false);
            var listed = _torrents.Values.Where(torrent => !ListsNothing && !_unlisted.Contains(torrent.Id));
            var update = new ClientUpdate(_sequence, kind, [.. listed.Select(torrent => torrent.Status)], [.. _removed], FreeBytes, time.GetUtcNow());
            _removed.Clear();
            return update;
        }
    }

    public ValueTask<TorrentStatus?> FindAsync(InfoHash v1, InfoHash v2, CancellationToken cancellationToken) => throw new NotSupportedException();

    public async ValueTask<IReadOnlyList<TorrentStatus>> GetAsync(IReadOnlyCollection<ClientTorrentId> ids, CancellationToken cancellationToken)
    {
        ThrowIfDown();
        await Before("here.get");
        lock (_gate)
        {
            return [.. ids.Where(id => _torrents.ContainsKey(id) && !_unlisted.Contains(id)).Select(id => _torrents[id].Status)];
        }
    }

    public async ValueTask<IReadOnlyList<ClientFile>> GetFilesAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        ThrowIfDown();
        await Before("here.files");
        lock (_gate)
        {
            var torrent = Get(id);
            torrent.FilesCalls++;
            if (torrent.FilesFault)
            {
                throw new TorrentClientException(ClientFault.ServerError, "GetFiles", "The client is busy with itself.");
            }

            return [.. torrent.Torrent.Files.Select(
                (file, i) => new ClientFile(i, string.Join('/', file.Path), file.Length, !torrent.Unselected.Contains(i), 0))];
        }
    }

    public ValueTask<PieceBitmap> GetPiecesAsync(ClientTorrentId id, int pieceCount, CancellationToken cancellationToken)
    {
        ThrowIfDown();
        lock (_gate)
        {
            var torrent = Get(id);
            torrent.PieceCalls++;
            PieceCalls.Enqueue((time.GetUtcNow(), id));
            return new((torrent.Told ?? torrent.Has).Clone());
        }
    }

    public ValueTask<byte[]> GetManifestAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        ThrowIfDown();
        lock (_gate)
        {
            var torrent = Get(id);
            torrent.ExportCalls++;
            return OnExport(id) is { } fault ? throw fault : new(torrent.Exported);
        }
    }

    public ValueTask AddTagsAsync(IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken)
    {
        ThrowIfDown();
        lock (_gate)
        {
            if (TagFaults-- > 0)
            {
                throw new TorrentClientException(ClientFault.ServerError, "AddTags", "The client is busy with itself.");
            }

            foreach (var id in TagsDropped-- > 0 ? [] : ids)
            {
                Get(id).Tags.UnionWith(tags);
            }
        }

        return default;
    }

    public ValueTask<AddTorrentOutcome> AddAsync(AddTorrentRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask SelectAsync(ClientTorrentId id, IReadOnlyCollection<int> fileIndices, bool wanted, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ValueTask RenameFileAsync(ClientTorrentId id, string oldPath, string newPath, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ValueTask RecheckAsync(ClientTorrentId id, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask RemoveTagsAsync(IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken)
    {
        ThrowIfDown();
        lock (_gate)
        {
            foreach (var id in ids)
            {
                Get(id).Tags.ExceptWith(tags);
            }
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask EnsureCategoryAsync(string name, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask SetCategoryAsync(IReadOnlyCollection<ClientTorrentId> ids, string category, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public PieceReadStatus ReadVerified(ContentLocation location, int piece, Span<byte> destination)
    {
        Reads.Enqueue(piece);
        if (OnRead(piece) is { } instead)
        {
            return instead;
        }

        var torrent = OnDisk(location, piece);
        torrent?.Torrent.ReadPiece(piece).CopyTo(destination);
        return torrent is null ? PieceReadStatus.HashMismatch : PieceReadStatus.Read;
    }

    public PieceReadStatus Verify(ContentLocation location, int piece, CancellationToken cancellationToken) =>
        OnDisk(location, piece) is null ? PieceReadStatus.HashMismatch : PieceReadStatus.Read;

    public PieceReadStatus Read(ContentLocation location, int piece, int offset, Span<byte> destination)
    {
        var torrent = OnDisk(location, piece);
        torrent?.Torrent.ReadPiece(piece).AsSpan(offset, destination.Length).CopyTo(destination);
        return torrent is null ? PieceReadStatus.Missing : PieceReadStatus.Read;
    }

    public FileIdentity? Identify(ContentLocation location, int fileIndex) => null;

    public void Forget(InfoHash torrent)
    {
    }

    private ScriptedTorrent? OnDisk(ContentLocation location, int piece)
    {
        lock (_gate)
        {
            var torrent = _torrents.Values.FirstOrDefault(torrent => torrent.Torrent.Id == location.Manifest.Id);
            return torrent is not null && (torrent.OnDisk ?? torrent.Has)[piece] ? torrent : null;
        }
    }

    private ScriptedTorrent Get(ClientTorrentId id) =>
        _torrents.GetValueOrDefault(id) ?? throw new TorrentClientException(ClientFault.NotFound, "get", "no such torrent");

    private void ThrowIfDown()
    {
        if (IsDown)
        {
            throw Fault;
        }
    }

    public ValueTask SetLocationAsync(IReadOnlyCollection<ClientTorrentId> ids, string savePath, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<TorrentTracker>> GetTrackersAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        ThrowIfDown();
        lock (_gate)
        {
            var torrent = Get(id);
            torrent.TrackerCalls++;
            return torrent.TrackerFaults-- > 0
                ? throw new TorrentClientException(ClientFault.ServerError, "GetTrackers", "The client is busy with itself.")
                : new([.. torrent.Trackers.Select((url, tier) => new TorrentTracker(url, tier, torrent.TrackerStatus, ""))]);
        }
    }

    public ValueTask<IReadOnlyList<ClientLogLine>> GetLogAsync(CancellationToken cancellationToken) => ValueTask.FromResult<IReadOnlyList<ClientLogLine>>([]);

    public ValueTask SetShareLimitsAsync(IReadOnlyCollection<ClientTorrentId> ids, ShareLimits limits, CancellationToken cancellationToken) =>
        throw new NotSupportedException();
}
