using System.Collections.Frozen;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Storage.FolderClient;

public sealed partial class FolderTorrentClient
{
    private static readonly TimeSpan GrowingFor = TimeSpan.FromSeconds(10);

    private readonly List<ClientTorrentId> _removed = [];
    private readonly Dictionary<InfoHash, (TorrentManifest Manifest, string Path)> _unloaded = [];
    private long _sequence;
    private bool _isContinuous;

    /// <inheritdoc />
    public async ValueTask<ClientUpdate> PollAsync(IReadOnlyCollection<ClientTorrentId> watched, CancellationToken cancellationToken) =>
        await RunAsync(nameof(PollAsync), () => Poll(cancellationToken), cancellationToken).ConfigureAwait(false);

    private ClientUpdate Poll(CancellationToken cancellationToken)
    {
        var wasContinuous = _isContinuous;
        _isContinuous = false;
        var askedAt = _time.GetUtcNow();
        Scan();
        foreach (var torrent in _torrents.Values)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (torrent.IsFollowed)
            {
                _checker.Look(torrent);
            }
        }

        Check(_torrents.Values, cancellationToken);
        Save(torrent => torrent.Unsaved.Request || (torrent.Unsaved.Progress && _time.GetElapsedTime(torrent.SavedAt) >= _options.SaveInterval));
        var update = new ClientUpdate(
            ++_sequence,
            wasContinuous ? ClientUpdateKind.Delta : ClientUpdateKind.Full,
            [.. _torrents.Values.Select(GetStatus)],
            [.. _removed],
            GetFreeBytes(),
            askedAt)
        {
            Categories = (_client ??= _records.ReadClient()).Categories.ToFrozenSet(StringComparer.Ordinal),
            Epoch = Epoch,
        };
        _removed.Clear();
        _isContinuous = true;
        return update;
    }

    /// <summary>Takes in what appeared in the torrents folder, and lets go of what went.</summary>
    private void Scan()
    {
        var (found, gone) = _scanner.Scan();
        foreach (var id in gone.Except(found.Select(static torrent => torrent.Manifest.Id)))
        {
            Forget(new ClientTorrentId(id.ToString()), id);
        }

        foreach (var (manifest, path) in found.Concat(_unloaded.Values.ToList()))
        {
            if (_torrents.TryGetValue(new ClientTorrentId(manifest.Id.ToString()), out var known))
            {
                known.TorrentPath = path;
            }
            else
            {
                TryLoad(manifest, path);
            }
        }
    }

    /// <summary>One record that cannot be read now must not hide the other torrents; it is tried again with the next scan.</summary>
    private void TryLoad(TorrentManifest manifest, string path)
    {
        try
        {
            Load(manifest, path);
            _unloaded.Remove(manifest.Id);
        }
        catch (StorageException error)
        {
            if (_unloaded.TryAdd(manifest.Id, (manifest, path)))
            {
                Log.TorrentNotLoaded(_logger, path, error.Message);
            }
        }
    }

    private void Forget(ClientTorrentId id, InfoHash hash)
    {
        _unloaded.Remove(hash);
        if (!_torrents.Remove(id))
        {
            return;
        }

        _removed.Add(id);
        _reader.Forget(hash);
        Log.TorrentGone(_logger, id);
        try
        {
            _records.Remove(hash);
        }
        catch (StorageException error)
        {
            Log.RecordNotSaved(_logger, id, error.Message);
        }
    }

    private void Load(TorrentManifest manifest, string path)
    {
        var record = _records.Read(manifest.Id, out var lost);
        if (lost is not null)
        {
            Log.RecordLost(_logger, manifest.Id, lost);
        }

        // Whether it was stopped is not known without its record, so it is: two seeders of one torrent are worse than none for a while.
        var torrent = new FolderTorrent(manifest, path, record ?? new FolderTorrentRecord
        {
            SavePath = _options.DataDirectory,
            AddedAt = _time.GetUtcNow(),
            Stopped = lost is not null,
        });
        _torrents.Add(torrent.Id, torrent);
        if (record is null)
        {
            torrent.RequireSave();
        }
        else if (record.Checking)
        {
            BeginCheck(torrent);
        }
        else if (torrent.IsComplete)
        {
            RequireFiles(torrent);
        }
        else
        {
            _checker.DropLost(torrent);
        }

        Conclude(torrent);
        Log.TorrentFound(_logger, torrent.Id, path);
    }

    /// <summary>A torrent that claims to be complete has its files, in their exact sizes, or is one whose files are missing.</summary>
    private void RequireFiles(FolderTorrent torrent)
    {
        if (!_checker.HasFiles(torrent, whole: true))
        {
            torrent.DropAll();
            torrent.Change(torrent.Record with { MissingFiles = true, CompletedAt = null });
            Log.FilesMissing(_logger, torrent.Id, torrent.Record.SavePath);
        }
    }

    /// <summary>Hashes what is due, each torrent getting an equal part of what the budget leaves.</summary>
    private void Check(IEnumerable<FolderTorrent> torrents, CancellationToken cancellationToken)
    {
        var due = torrents.Where(static torrent => torrent.Due.Count > 0 && (torrent.Record.Checking || torrent.IsFollowed)).ToList();
        var bytes = _options.CheckBytesPerPoll;
        var end = _time.GetTimestamp() + (long)(_options.CheckTimePerPoll.TotalSeconds * _time.TimestampFrequency);
        for (var i = 0; i < due.Count; i++)
        {
            var now = _time.GetTimestamp();
            bytes -= _checker.Check(due[i], bytes / (due.Count - i), now + (end - now) / (due.Count - i), cancellationToken);
        }

        foreach (var torrent in due)
        {
            Conclude(torrent);
        }
    }

    private void Conclude(FolderTorrent torrent)
    {
        if (torrent.Record.Checking && torrent.Due.Count == 0)
        {
            EndCheck(torrent);
        }

        if (torrent.IsComplete && torrent.Record is { Checking: false, CompletedAt: null })
        {
            torrent.Change(torrent.Record with { CompletedAt = _time.GetUtcNow() });
            _reader.Forget(torrent.Manifest.Id);
            Log.TorrentComplete(_logger, torrent.Id);
        }
    }

    private TorrentStatus GetStatus(FolderTorrent torrent) =>
        torrent.GetStatus(torrent.GrewAt is { } grew && _time.GetElapsedTime(grew) < GrowingFor);

    private long? GetFreeBytes()
    {
        try
        {
            return new DriveInfo(_options.DataDirectory).AvailableFreeSpace;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
