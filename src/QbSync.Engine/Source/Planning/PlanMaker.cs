using QbSync.Engine.Source.Peers;
using QbSync.Engine.Source.Phases;
using QbSync.Engine.Source.Records;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Planning;

/// <summary>
/// Asks client and destination what <see cref="SourcePlanner"/> needs to know, and has it decide, until nothing but a deed would follow. Reads only. What was
/// learned of a torrent is kept while the client says the same of it. One making at a time.
/// </summary>
internal sealed class PlanMaker(
    PlanRules rules, ContentLoader loader, DestinationCalls destination, IReadOnlyDictionary<InfoHash, TorrentRecord> records, TimeProvider time)
{
    private const int AskedAtOnce = 256;
    private const int LoadedAtOnce = 4;

    /// <summary>More steps than a torrent can take before something has to be done.</summary>
    private const int MaxSteps = 8;

    private readonly Dictionary<InfoHash, Known> _known = [];

    /// <summary>A line for each torrent that the client lists, and for each that is owed an outcome.</summary>
    public async Task<IReadOnlyList<PlanLine>> MakeAsync(ClientUpdate update, bool peerReady, CancellationToken cancellationToken)
    {
        var torrents = Gather(update);
        var lines = new Dictionary<InfoHash, PlanLine>();
        foreach (var torrent in torrents)
        {
            Note(lines, torrent, await DecideAsync(torrent, update, peerReady, cancellationToken).ConfigureAwait(false));
        }

        if (await AskAsync([.. torrents.Where(static torrent => torrent.IsQuestion)], cancellationToken).ConfigureAwait(false))
        {
            var answered = torrents.Where(static torrent => torrent.Answer is not null).ToArray();
            await Parallel.ForEachAsync(
                answered,
                new ParallelOptions { MaxDegreeOfParallelism = LoadedAtOnce, CancellationToken = cancellationToken },
                async (torrent, token) =>
                {
                    var line = await DecideAsync(torrent, update, peerReady, token).ConfigureAwait(false);
                    lock (lines)
                    {
                        Note(lines, torrent, line);
                    }
                }).ConfigureAwait(false);
        }

        Forget(lines);
        return [.. lines.Values.OrderBy(static line => line.Name, StringComparer.Ordinal).ThenBy(static line => line.Id.ToString(), StringComparer.Ordinal)];
    }

    private static void Note(Dictionary<InfoHash, PlanLine> lines, PlannedTorrent torrent, PlanLine? line)
    {
        if (line is not null)
        {
            lines[torrent.Id] = line;
        }
    }

    private List<PlannedTorrent> Gather(ClientUpdate update)
    {
        List<PlannedTorrent> torrents = [];
        HashSet<InfoHash> listed = [];
        foreach (var status in update.Torrents)
        {
            var record = Find(status);
            var id = record is not null ? InfoHash.Parse(record.Id) : status.V1.Length > 0 ? status.V1 : status.V2;
            if (id.Length > 0 && listed.Add(id))
            {
                torrents.Add(new PlannedTorrent(id, status, record));
            }
        }

        torrents.AddRange(records
            .Where(pair => !listed.Contains(pair.Key) && pair.Value.State != TorrentSyncState.HandedOff)
            .Select(static pair => new PlannedTorrent(pair.Key, null, pair.Value)));
        return torrents;
    }

    private TorrentRecord? Find(TorrentStatus status) =>
        status.V1.Length > 0 && records.TryGetValue(status.V1, out var byV1) ? byV1
        : status.V2.Length > 0 && records.TryGetValue(status.V2, out var byV2) ? byV2 : null;

    /// <summary>The torrent's line; null when there is nothing to say of it.</summary>
    private async Task<PlanLine?> DecideAsync(PlannedTorrent torrent, ClientUpdate update, bool peerReady, CancellationToken cancellationToken)
    {
        torrent.IsQuestion = false;
        if (torrent.Status is null)
        {
            return torrent.Record is { OpenedThere: true } or { Completion: not null } ? new PlanLine(torrent.Id, torrent.Name, PlanAction.Remove, PlanRules.OwedOf(torrent)) : null;
        }

        if (rules.NotEligible(torrent) is { } reason)
        {
            return PlanRules.Skip(torrent, reason);
        }

        var now = time.GetUtcNow();
        for (var i = 0; i < MaxSteps; i++)
        {
            var decision = SourcePlanner.Decide(rules.FactsOf(torrent, peerReady, now));
            switch (decision.Action)
            {
                case SyncAction.Inspect:
                    var (notReady, traits) = await InspectAsync(torrent, cancellationToken).ConfigureAwait(false);
                    if (traits is null)
                    {
                        return PlanRules.Skip(torrent, notReady);
                    }

                    torrent.Traits = traits;
                    break;
                case SyncAction.AskStatus when torrent.Answer is null:
                    torrent.IsQuestion = true;
                    return null;
                case SyncAction.Readmit or SyncAction.Retry:
                    torrent.State = torrent is { State: TorrentSyncState.Removing, Record.Completion: not null } ? TorrentSyncState.Synced : TorrentSyncState.Discovered;
                    break;
                case SyncAction.Initialize:
                    return await MeasureAsync(torrent, rules.LineOf(torrent, decision, update.FreeBytes, now), cancellationToken).ConfigureAwait(false);
                default:
                    if (torrent.State == TorrentSyncState.Synced && torrent.Answer?.State is DestinationTorrentState.Absent or DestinationTorrentState.Opening
                        or DestinationTorrentState.Receiving or DestinationTorrentState.Failed)
                    {
                        torrent.State = TorrentSyncState.Discovered;
                        break;
                    }

                    return rules.LineOf(torrent, decision, update.FreeBytes, now);
            }
        }

        return PlanRules.Skip(torrent, "it cannot be decided");
    }

    private async Task<bool> AskAsync(IReadOnlyList<PlannedTorrent> torrents, CancellationToken cancellationToken)
    {
        foreach (var batch in torrents.Chunk(AskedAtOnce))
        {
            var answers = await destination.GetStatusAsync([.. batch.Select(static torrent => torrent.Id)], withBitmaps: true, cancellationToken).ConfigureAwait(false);
            var byId = answers.DistinctBy(static answer => answer.Id).ToDictionary(static answer => answer.Id);
            foreach (var torrent in batch)
            {
                torrent.Answer = byId.GetValueOrDefault(torrent.Id) ?? new DestinationTorrentStatus { Id = torrent.Id, State = DestinationTorrentState.Unknown };
            }
        }

        return torrents.Count > 0;
    }

    private async Task<(string Problem, TorrentTraits? Traits)> InspectAsync(PlannedTorrent torrent, CancellationToken cancellationToken)
    {
        var known = Look(torrent);
        if (known.Traits is null)
        {
            var (problem, traits) = await loader.InspectAsync(torrent.Status!, rules.Filter, cancellationToken).ConfigureAwait(false);
            if (problem is not null)
            {
                return (problem.Text, null);
            }

            known.Traits = traits;
        }

        return ("", known.Traits);
    }

    /// <summary>How much would cross. The manifest is read once; only what it comes to is kept.</summary>
    private async Task<PlanLine> MeasureAsync(PlannedTorrent torrent, PlanLine line, CancellationToken cancellationToken)
    {
        var known = Look(torrent);
        if (known is { SelectedBytes: null })
        {
            var loaded = await loader.LoadAsync(torrent.Status!, known: null, cancellationToken).ConfigureAwait(false);
            loader.Forget(torrent.Status!.Id);
            if (loaded is ContentOutcome.NotReady reason)
            {
                return line with { Action = PlanAction.Skip, Reason = reason.Text };
            }

            var content = ((ContentOutcome.Ready)loaded).Content;
            known.SelectedBytes = content.Pieces.SelectedBytes;
        }

        if (known.SelectedBytes == 0)
        {
            return line with { Action = PlanAction.Skip, Reason = "no file of it is selected" };
        }

        var needed = torrent.Answer is { NeededPieces: > 0 } answer ? answer.NeededPieces : 1;
        var held = Math.Min(torrent.Answer?.HeldPieces ?? 0, needed);
        var deferred = Math.Min(torrent.Answer?.Deferred?.Count ?? 0, needed - held);
        var toLink = (long)((double)known.SelectedBytes!.Value * deferred / needed);
        return line with
        {
            BytesToLink = toLink,
            BytesToSend = known.SelectedBytes.Value - toLink - (long)((double)known.SelectedBytes.Value * held / needed),
        };
    }

    /// <summary>What is known of a torrent as the client tells of it now.</summary>
    private Known Look(PlannedTorrent torrent)
    {
        var status = torrent.Status!;
        var words = (status.SelectedSize, status.SavePath, status.ContentPath, status.Category, status.State == ClientTorrentState.Moving);
        lock (_known)
        {
            if (!_known.TryGetValue(torrent.Id, out var known) || known.Words != words)
            {
                _known[torrent.Id] = known = new Known(words);
            }

            return known;
        }
    }

    private void Forget(Dictionary<InfoHash, PlanLine> lines)
    {
        foreach (var gone in _known.Keys.Where(id => !lines.ContainsKey(id)).ToArray())
        {
            _known.Remove(gone);
        }
    }

    private sealed class Known((long, string, string?, string, bool) words)
    {
        public (long, string, string?, string, bool) Words { get; } = words;

        public TorrentTraits? Traits { get; set; }

        public long? SelectedBytes { get; set; }
    }
}
