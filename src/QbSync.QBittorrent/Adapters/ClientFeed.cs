using Microsoft.Extensions.Logging;
using QbSync.Ports;
using QbSync.QBittorrent.Http;
using QbSync.QBittorrent.Models;
using QbSync.QBittorrent.Sync;
using QbSync.Torrents;

namespace QbSync.QBittorrent.Adapters;

/// <summary>
/// Follows the client's torrents by <c>sync/maindata</c>. Owns that session's answer number, which belongs to the login. One poll at a
/// time: further callers wait. Whatever may have broken the chain of changes makes the next poll ask for everything.
/// </summary>
internal sealed partial class ClientFeed(QBittorrentClient client, StatusMapper mapper, TimeProvider time, ILogger logger) : IDisposable
{
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _one = new(1);
    private readonly Dictionary<string, TorrentRecord> _records = [];
    private readonly Dictionary<string, TorrentStatus> _statuses = [];
    private readonly HashSet<string> _watchedOnly = [];
    private IReadOnlyList<TorrentStatus> _list = [];
    private long _sequence, _rid, _lastAt, _fullAt;
    private PollCost _fullCost, _deltaCost;
    private TimeSpan _fullDuration;
    private int _generation;
    private bool _startOver = true, _everAsked;
    private long? _freeBytes;

    public async ValueTask<ClientUpdate> PollAsync(IReadOnlyCollection<ClientTorrentId> watched, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var session = await client.OpenSessionAsync(refresh: false, cancellationToken).ConfigureAwait(false);
            _startOver |= session.Generation != _generation;
            _generation = session.Generation;
            var full = _startOver || IsFullDue();
            return IsDue(full)
                ? await PollAllAsync(full, cancellationToken).ConfigureAwait(false)
                : await PollWatchedAsync(watched, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private bool IsDue(bool full) => !_everAsked || time.GetElapsedTime(_lastAt) >= (full ? _fullCost : _deltaCost).Pause;

    // An answer that was lost on the way may have taken fields with it for good, so everything is asked for now and then.
    private bool IsFullDue() => time.GetElapsedTime(_fullAt) >= TimeSpan.FromMinutes(_fullDuration > Slow ? 60 : 10);

    private async ValueTask<ClientUpdate> PollAllAsync(bool full, CancellationToken cancellationToken)
    {
        var rid = full ? 0 : _rid;
        _startOver = true;
        _everAsked = true;
        var askedAt = time.GetUtcNow();
        var startedAt = time.GetTimestamp();
        MainDataRecord answer;
        try
        {
            answer = await client.GetMainDataAsync(rid, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _lastAt = time.GetTimestamp();
        }

        Meter(full, time.GetElapsedTime(startedAt, _lastAt));
        var unasked = rid != 0 && answer.FullUpdate == true;
        var kind = rid == 0 || unasked ? ClientUpdateKind.Full : ClientUpdateKind.Delta;
        var removed = Apply(kind == ClientUpdateKind.Full ? answer with { FullUpdate = true } : answer, out var lacksFields);
        _rid = answer.Rid ?? 0;
        _startOver = unasked || lacksFields || _rid == 0 || client.Session?.Generation != _generation;
        if (_startOver)
        {
            Log.FeedStartsOver(logger, unasked, lacksFields);
        }

        return Update(kind, removed, askedAt);
    }

    private void Meter(bool full, TimeSpan duration)
    {
        if (full)
        {
            (_fullCost, _fullDuration, _fullAt) = (_fullCost.Then(duration, client.LightLatency.Median), duration, _lastAt);
        }
        else
        {
            _deltaCost = _deltaCost.Then(duration, client.LightLatency.Median);
        }
    }

    private List<ClientTorrentId> Apply(MainDataRecord answer, out bool lacksFields)
    {
        var removed = MaindataMerge.Apply(_records, answer, out lacksFields);
        HashSet<string> touched = [.. _watchedOnly, .. removed];
        touched.UnionWith(answer.FullUpdate == true ? [.. _statuses.Keys, .. _records.Keys] : answer.Torrents?.Keys.AsEnumerable() ?? []);
        _watchedOnly.Clear();
        var changed = false;
        foreach (var id in touched)
        {
            changed |= Refresh(id, _records.GetValueOrDefault(id));
        }

        if (changed)
        {
            _list = [.. _statuses.Values];
        }

        if (answer.ServerState?.FreeSpaceOnDisk is { } free)
        {
            _freeBytes = free > 0 ? free : null;
        }

        return [.. removed.Select(static id => new ClientTorrentId(id))];
    }

    private bool Refresh(string id, TorrentRecord? record)
    {
        if (record is null)
        {
            return _statuses.Remove(id);
        }

        var known = _statuses.GetValueOrDefault(id);
        var status = mapper.Map(record, known);
        _statuses[id] = status;
        return !ReferenceEquals(status, known);
    }

    private async ValueTask<ClientUpdate> PollWatchedAsync(
        IReadOnlyCollection<ClientTorrentId> watched, CancellationToken cancellationToken)
    {
        var askedAt = time.GetUtcNow();
        var changed = false;
        foreach (var batch in watched.Chunk(TorrentIds.MostAtOnce))
        {
            foreach (var record in await client.GetTorrentsAsync(batch, cancellationToken).ConfigureAwait(false))
            {
                // Not merged into the records: the client's next change builds on its own last answer, not on this one.
                _watchedOnly.Add(record.Hash!);
                changed |= Refresh(record.Hash!, record);
            }
        }

        if (changed)
        {
            _list = [.. _statuses.Values];
        }

        return Update(ClientUpdateKind.Watched, [], askedAt);
    }

    private ClientUpdate Update(ClientUpdateKind kind, IReadOnlyList<ClientTorrentId> removed, DateTimeOffset askedAt) =>
        new(++_sequence, kind, _list, removed, _freeBytes, askedAt) { Epoch = client.Session?.Epoch ?? 0 };
}
