using Microsoft.Extensions.Logging;
using QbSync.Ports;
using QbSync.QBittorrent.Http;
using QbSync.QBittorrent.Models;
using QbSync.QBittorrent.Pipeline;

namespace QbSync.QBittorrent.Adapters;

/// <summary>
/// Follows the client's torrents by <c>sync/maindata</c>. Owns that session's answer number, which belongs to the login. One poll at a
/// time: further callers wait. Whatever may have broken the chain of changes makes the next poll ask for everything.
/// </summary>
internal sealed partial class ClientFeed(QBittorrentClient client, StatusMapper mapper, TimeProvider time, ILogger logger) : IDisposable
{
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _one = new(1);
    private readonly SharedState _shared = new(time);
    private long _sequence, _rid, _lastAt, _fullAt;
    private PollCost _fullCost, _deltaCost;
    private TimeSpan _fullDuration;
    private int _generation;
    private bool _startOver = true, _everAsked;

    public async ValueTask<ClientUpdate> PollAsync(IReadOnlyCollection<ClientTorrentId> watched, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            while (true)
            {
                var session = await client.OpenSessionAsync(refresh: false, cancellationToken).ConfigureAwait(false);
                if (session.Generation != _generation)
                {
                    _generation = session.Generation;
                    _startOver = true;
                    _shared.NewLogin();
                }

                if (await PollOnceAsync(session, watched, cancellationToken).ConfigureAwait(false) is { } update)
                {
                    return update;
                }
            }
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    /// <summary>Null: another client may have answered than the one that was asked, so that nothing of it counts.</summary>
    private async ValueTask<ClientUpdate?> PollOnceAsync(
        ClientSession session, IReadOnlyCollection<ClientTorrentId> watched, CancellationToken cancellationToken)
    {
        var full = _startOver || _shared.IsShared || IsFullDue();
        var askedAt = time.GetUtcNow();
        if (!IsDue(full))
        {
            var records = await AskWatchedAsync(watched, cancellationToken).ConfigureAwait(false);
            return await HasChangedAsync(session, cancellationToken).ConfigureAwait(false)
                ? null
                : Update(ClientUpdateKind.Watched, ApplyWatched(records), session, askedAt);
        }

        var rid = full ? 0 : _rid;
        _startOver = true;
        var answer = await AskAllAsync(rid, cancellationToken).ConfigureAwait(false);
        var isAnother = await HasChangedAsync(session, cancellationToken).ConfigureAwait(false);
        var isNewLogin = client.Session?.Generation != _generation;
        if (isAnother || (isNewLogin && rid != 0 && answer.FullUpdate != true))
        {
            return null;
        }

        var unasked = rid != 0 && answer.FullUpdate == true;
        if (unasked && !isNewLogin && _shared.Suspect())
        {
            Log.StateIsShared(logger);
        }

        var kind = rid == 0 || unasked ? ClientUpdateKind.Full : ClientUpdateKind.Delta;
        var removed = Apply(kind == ClientUpdateKind.Full ? answer with { FullUpdate = true } : answer, out var lacksFields);
        _rid = answer.Rid ?? 0;
        _startOver = unasked || lacksFields || _rid == 0 || isNewLogin;
        if (_startOver && !_shared.IsShared)
        {
            Log.FeedStartsOver(logger, unasked, lacksFields);
        }

        return Update(kind, removed, session, askedAt);
    }

    private bool IsDue(bool full) => !_everAsked || time.GetElapsedTime(_lastAt) >= (full ? _fullCost : _deltaCost).Pause;

    // An answer that was lost on the way may have taken fields with it for good, so everything is asked for now and then.
    private bool IsFullDue() => time.GetElapsedTime(_fullAt) >= TimeSpan.FromMinutes(_fullDuration > Slow ? 60 : 10);

    private async ValueTask<bool> HasChangedAsync(ClientSession session, CancellationToken cancellationToken)
    {
        var now = await client.OpenSessionAsync(refresh: false, cancellationToken).ConfigureAwait(false);
        return now.Epoch != session.Epoch;
    }

    private async ValueTask<MainDataRecord> AskAllAsync(long rid, CancellationToken cancellationToken)
    {
        _everAsked = true;
        MainDataRecord answer;
        TimeSpan duration;
        try
        {
            if (_shared.IsShared)
            {
                (var list, duration) = await client.GetTimedTorrentsAsync(null, cancellationToken).ConfigureAwait(false);
                answer = Listed(list);
            }
            else
            {
                (answer, duration) = await client.GetTimedMainDataAsync(rid, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            _lastAt = time.GetTimestamp();
        }

        if (rid == 0)
        {
            (_fullCost, _fullDuration, _fullAt) = (_fullCost.Then(duration, client.LightLatency.Median), duration, _lastAt);
        }
        else
        {
            _deltaCost = _deltaCost.Then(duration, client.LightLatency.Median);
        }

        return answer;
    }

    private async ValueTask<List<TorrentRecord>> AskWatchedAsync(
        IReadOnlyCollection<ClientTorrentId> watched, CancellationToken cancellationToken)
    {
        List<TorrentRecord> records = [];
        foreach (var batch in watched.Chunk(TorrentIds.MostAtOnce))
        {
            records.AddRange(await client.GetTorrentsAsync(batch, cancellationToken).ConfigureAwait(false));
        }

        return records;
    }

    // Free space and categories are not told by a list.
    private static MainDataRecord Listed(List<TorrentRecord> torrents)
    {
        var byId = new Dictionary<string, TorrentRecord>(torrents.Count);
        foreach (var torrent in torrents)
        {
            byId[torrent.Hash!] = torrent;
        }

        return new MainDataRecord { FullUpdate = true, Torrents = byId };
    }
}
