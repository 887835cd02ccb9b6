using QbSync.Engine.Status;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Host.Reporting;

/// <summary>Makes the document of a moment from what the engine published, and from what it published before. Not thread-safe: the board's.</summary>
internal sealed class StatusMaker(StatusFacts facts, DateTimeOffset since)
{
    public const int MostTorrents = 1000;
    public const int MostRecent = 50;
    public const int Samples = 120;

    private static readonly HashSet<string> Over = ["excluded", "removed", "handed-off"];
    private readonly Dictionary<InfoHash, TorrentTrack> _tracks = [];
    private readonly List<RecentEvent> _recent = [];
    private readonly Queue<long?> _samples = new(Samples);
    private bool _isFirst = true;

    /// <param name="now">The time on the wall.</param>
    /// <param name="at">A time that only goes forward.</param>
    /// <param name="checks">What the role's checks said last.</param>
    /// <param name="client">What the client said of itself; null while it is not known.</param>
    public StatusDocument Make(DateTimeOffset now, TimeSpan at, IReadOnlyDictionary<string, CheckStatus> checks, ClientDescription? client)
    {
        var engine = facts.Engine();
        var torrents = engine?.Torrents ?? [];
        List<TorrentRow>[] rows = [[], [], [], []];
        var waiting = new Dictionary<string, (int Count, DateTimeOffset Oldest)>();
        var isAtLimit = engine is { RateLimit: > 0 and var limit } && engine.BytesPerSecond > 0.8 * limit;
        foreach (var torrent in torrents)
        {
            var row = Row(torrent, now, at, isAtLimit);
            rows[row switch
            {
                { Finished: true } => 2,
                { State: "failed" } => 1,
                _ => Over.Contains(row.State) ? 3 : 0,
            }].Add(row);
            if (row is { Finished: false, WaitingFor: not WaitingWords.None })
            {
                var waits = _tracks[torrent.Id].WaitsSince;
                waiting[row.WaitingFor] = waiting.TryGetValue(row.WaitingFor, out var same)
                    ? (same.Count + 1, same.Oldest < waits ? same.Oldest : waits)
                    : (1, waits);
            }
        }

        ForgetGone(torrents, now);
        _isFirst = engine is null;
        var rate = engine is null ? (long?)null : (long)engine.BytesPerSecond;
        if (_samples.Count == Samples)
        {
            _samples.Dequeue();
        }

        _samples.Enqueue(rate);
        var totals = Totals(rows, rate);
        return new StatusDocument
        {
            Version = HostMetrics.Version,
            Mode = facts.Mode,
            Name = ShownText.Escape(facts.Name),
            State = facts.IsStopping() ? engine is { IsDraining: true } ? "draining" : "stopping"
                : engine is { IsDraining: true } ? "draining" : engine is { IsStarted: true } ? "running" : "starting",
            Since = since,
            At = now,
            Problem = engine?.Problem is { Length: > 0 } problem ? ShownText.Escape(problem) : null,
            Checks = checks,
            Client = facts.Client is { } known ? Client(known, engine, client) : null,
            Peers = facts.Peers?.Invoke(engine),
            Throughput = new ThroughputStatus { Now = rate, Samples = [.. _samples] },
            Space = Space(engine, totals),
            SafeToDelete = facts.Destination is null ? null : new SafeToDelete(engine?.DeletableBytes, engine?.DeletableTorrents),
            Waiting =
            [
                .. waiting.OrderByDescending(static one => one.Value.Count).ThenBy(static one => one.Key, StringComparer.Ordinal)
                    .Select(one => new WaitingStatus(one.Key, one.Value.Count, Math.Max(0, (long)(now - one.Value.Oldest).TotalSeconds))),
            ],
            Totals = totals,
            Recent = [.. _recent],
            Torrents = [.. rows.SelectMany(static some => some).Take(MostTorrents)],
            More = Math.Max(0, torrents.Count - MostTorrents),
        };
    }

    private static ClientStatus Client(ITorrentClient client, EngineStatus? engine, ClientDescription? described) => new(
        engine?.ClientOk,
        described is null ? null : ShownText.Escape(described.Product),
        described is { ApiVersion.Length: > 0 } ? ShownText.Escape(described.ApiVersion) : null,
        ShownText.ToKebab(client.Availability.Gate.ToString()));

    private static TotalsStatus Totals(List<TorrentRow>[] rows, long? rate)
    {
        var pending = rows[0];
        long? bytes = pending.Exists(static row => row.Bytes is null) ? null : pending.Sum(static row => row.Bytes!.Value);
        long? done = pending.Exists(static row => row.BytesDone is null) ? null : pending.Sum(static row => row.BytesDone!.Value);
        return new TotalsStatus(
            rows.Sum(static some => some.Count), pending.Count, rows[2].Count, rows[1].Count, bytes, done, Eta(bytes, done, rate));
    }

    private SpaceStatus Space(EngineStatus? engine, TotalsStatus totals) => new(
        engine?.FreeBytes,
        facts.MinSpace,
        facts.Destination is null ? totals.Bytes - totals.BytesDone
            : facts.MinSpace is { } min && engine?.FreeBytes is { } free ? Math.Max(0, min - free) : null);

    private static long? Eta(long? bytes, long? done, long? rate) =>
        bytes - done is > 0 and var left && rate is > 0 and var speed ? (left + speed - 1) / speed : null;

    private TorrentRow Row(TorrentProgress torrent, DateTimeOffset now, TimeSpan at, bool isAtLimit)
    {
        var state = ShownText.ToKebab(torrent.State.Split(' ')[0]);
        if (!_tracks.TryGetValue(torrent.Id, out var track))
        {
            _tracks[torrent.Id] = track = new TorrentTrack(now, at);
        }

        var isFinished = torrent.FinishedAt is not null;
        var isPending = !isFinished && state != "failed" && !Over.Contains(state);
        var (before, wasFinished) = (track.State, track.Row?.Finished == true);
        track.Look(state, torrent, isPending, now, at);
        track.Waits(WaitingWords.Of(torrent.WaitingFor, state, isPending, track.Unmoved(at), isAtLimit), now);
        var isKnown = torrent.Pieces > 0;
        long? bytes = isKnown || torrent.Bytes > 0 ? torrent.Bytes : null;
        long? done = isFinished ? bytes : isKnown ? (long)((double)torrent.Bytes * torrent.PiecesDone / torrent.Pieces) : null;
        var reason = torrent.Reason.Length > 0 ? ShownText.Escape(torrent.Reason) : torrent.State.Length > state.Length + 2 ? ShownText.Escape(torrent.State) : null;
        var row = new TorrentRow
        {
            Hash = torrent.Id.ToString(),
            Name = ShownText.Escape(torrent.Name),
            State = state,
            Pieces = isKnown ? torrent.Pieces : null,
            PiecesDone = isKnown ? isFinished ? torrent.Pieces : torrent.PiecesDone : null,
            Bytes = bytes,
            BytesDone = done,
            Rate = isPending ? track.Rate : null,
            EtaSeconds = isPending ? Eta(bytes, done, track.Rate) : null,
            WaitingFor = track.WaitingFor,
            Reason = state == "failed" ? null : reason,
            Since = torrent.FinishedAt ?? track.Since,
            Destination = facts.Destination,
            Error = state == "failed" ? reason ?? "unknown" : null,
            Finished = isFinished,
        };
        Note(row, before, wasFinished, now);

        // Who compares two looks sees at once that nothing changed.
        return track.Row = track.Row == row ? track.Row : row;
    }

    private void Note(TorrentRow row, string? before, bool wasFinished, DateTimeOffset now)
    {
        if (before is null && _isFirst)
        {
            return; // it was so before this process saw it
        }

        if (row.Finished && !wasFinished && before is not "handing-off")
        {
            Note(row, "synced", now);
        }
        else if (row.State != before && row.State is ("failed" or "handed-off" or "excluded"))
        {
            Note(row, row.State, now);
        }
    }

    private void Note(TorrentRow row, string what, DateTimeOffset now)
    {
        _recent.Insert(0, new RecentEvent(now, row.Hash, row.Name, what));
        if (_recent.Count > MostRecent)
        {
            _recent.RemoveAt(MostRecent);
        }
    }

    private void ForgetGone(IReadOnlyList<TorrentProgress> torrents, DateTimeOffset now)
    {
        if (_tracks.Count == torrents.Count)
        {
            return; // each of them was looked at, so none is gone
        }

        var here = torrents.Select(static torrent => torrent.Id).ToHashSet();
        foreach (var (id, track) in _tracks.Where(known => !here.Contains(known.Key)).ToList())
        {
            _tracks.Remove(id);
            if (track is { Row: { } row, State: not "handed-off" })
            {
                Note(row, "gone", now);
            }
        }
    }
}
