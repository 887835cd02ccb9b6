using QbSync.Engine.Plans;
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
internal sealed partial class PlanMaker(PlanRules rules, ContentLoader loader, DestinationCalls destination, TimeProvider time)
{
    private const int LoadedAtOnce = 4;

    /// <summary>More steps than a torrent can take before something has to be done.</summary>
    private const int MaxSteps = 8;

    /// <summary>A line for each torrent that the client lists, and for each that is owed an outcome.</summary>
    public async Task<IReadOnlyList<PlanLine>> MakeAsync(PlanBasis basis, CancellationToken cancellationToken)
    {
        rules.TakeOptions();
        var lines = await MakeAsync(Gather(basis), basis, cancellationToken).ConfigureAwait(false);
        Forget(lines);
        return [.. lines.Values.OrderBy(static line => line.Name, StringComparer.Ordinal).ThenBy(static line => line.Id.ToString(), StringComparer.Ordinal)];
    }

    /// <summary>One torrent's line, and everything that has to do with it; null when there is no such torrent.</summary>
    public async Task<(PlanLine Line, IReadOnlyList<PlanCondition> Conditions)?> ExplainAsync(InfoHash id, PlanBasis basis, CancellationToken cancellationToken)
    {
        rules.TakeOptions();
        if (Gather(basis).Find(torrent => IsMeant(torrent, id)) is not { } torrent)
        {
            return basis.Records.TryGetValue(id, out var known) ? (PlanRules.HandedOver(new PlannedTorrent(id, null, known)), []) : null;
        }

        var lines = await MakeAsync([torrent], basis, cancellationToken).ConfigureAwait(false);
        var line = lines.GetValueOrDefault(torrent.Id) ?? PlanRules.Skip(torrent, "nothing is to be done");

        // What decided may have needed less than is to be shown.
        if (torrent is { Status.HasMetadata: true, Place: null })
        {
            await LookAsync(torrent, cancellationToken).ConfigureAwait(false);
        }

        if (torrent is { Status.HasMetadata: true, Traits: null } && (rules.Filter.NeedsManifest || rules.Filter.NeedsTrackers))
        {
            torrent.Traits = (await InspectAsync(torrent, cancellationToken).ConfigureAwait(false)).Traits;
        }

        if (torrent.Answer is null && basis.IsPeerReady)
        {
            await AskAsync([torrent], cancellationToken).ConfigureAwait(false);
        }

        return (line, rules.Conditions(torrent, basis.IsPeerReady, basis.Update.FreeBytes, time.GetUtcNow()));
    }

    private async Task<Dictionary<InfoHash, PlanLine>> MakeAsync(List<PlannedTorrent> torrents, PlanBasis basis, CancellationToken cancellationToken)
    {
        var lines = new Dictionary<InfoHash, PlanLine>();
        foreach (var torrent in torrents)
        {
            Note(lines, torrent, await DecideAsync(torrent, basis, cancellationToken).ConfigureAwait(false));
        }

        if (await AskAsync([.. torrents.Where(static torrent => torrent.IsQuestion)], cancellationToken).ConfigureAwait(false))
        {
            var answered = torrents.Where(static torrent => torrent.Answer is not null).ToArray();
            await Parallel.ForEachAsync(
                answered,
                new ParallelOptions { MaxDegreeOfParallelism = LoadedAtOnce, CancellationToken = cancellationToken },
                async (torrent, token) =>
                {
                    var line = await DecideAsync(torrent, basis, token).ConfigureAwait(false);
                    lock (lines)
                    {
                        Note(lines, torrent, line);
                    }
                }).ConfigureAwait(false);
        }

        return lines;
    }

    private static bool IsMeant(PlannedTorrent torrent, InfoHash id) =>
        torrent.Id == id || torrent.Status is { } status && (status.V1 == id || status.V2 == id);

    private static void Note(Dictionary<InfoHash, PlanLine> lines, PlannedTorrent torrent, PlanLine? line)
    {
        if (line is not null)
        {
            lines[torrent.Id] = line;
        }
    }

    private static List<PlannedTorrent> Gather(PlanBasis basis)
    {
        List<PlannedTorrent> torrents = [];
        HashSet<InfoHash> listed = [];
        foreach (var status in basis.Update.Torrents)
        {
            var record = Find(basis.Records, status);
            var id = record is not null ? InfoHash.Parse(record.Id) : status.V1.Length > 0 ? status.V1 : status.V2;
            if (id.Length > 0 && listed.Add(id))
            {
                torrents.Add(new PlannedTorrent(id, status, record));
            }
        }

        torrents.AddRange(basis.Records
            .Where(pair => !listed.Contains(pair.Key) && pair.Value.State != TorrentSyncState.HandedOff)
            .Select(static pair => new PlannedTorrent(pair.Key, null, pair.Value)));
        return torrents;
    }

    private static TorrentRecord? Find(IReadOnlyDictionary<InfoHash, TorrentRecord> records, TorrentStatus status) =>
        status.V1.Length > 0 && records.TryGetValue(status.V1, out var byV1) ? byV1
        : status.V2.Length > 0 && records.TryGetValue(status.V2, out var byV2) ? byV2 : null;

    /// <summary>The torrent's line; null when there is nothing to say of it.</summary>
    private async Task<PlanLine?> DecideAsync(PlannedTorrent torrent, PlanBasis basis, CancellationToken cancellationToken)
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
            var decision = SourcePlanner.Decide(rules.FactsOf(torrent, basis.IsPeerReady, now));
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
                    return await MeasureAsync(torrent, rules.LineOf(torrent, decision, basis.Update.FreeBytes, now), cancellationToken).ConfigureAwait(false);
                default:
                    if (torrent.State == TorrentSyncState.Synced && torrent.Answer?.State is DestinationTorrentState.Absent or DestinationTorrentState.Opening
                        or DestinationTorrentState.Receiving or DestinationTorrentState.Failed)
                    {
                        torrent.State = TorrentSyncState.Discovered;
                        break;
                    }

                    return rules.LineOf(torrent, decision, basis.Update.FreeBytes, now);
            }
        }

        return PlanRules.Skip(torrent, "it cannot be decided");
    }
}

/// <summary>What a plan is made of besides what is asked for it: of one moment.</summary>
/// <param name="Update">What the client has.</param>
/// <param name="Records">What is recorded, by id.</param>
/// <param name="IsPeerReady">Whether the destination can be asked.</param>
internal sealed record PlanBasis(ClientUpdate Update, IReadOnlyDictionary<InfoHash, TorrentRecord> Records, bool IsPeerReady);
