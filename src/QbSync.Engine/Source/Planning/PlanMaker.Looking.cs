using QbSync.Engine.Plans;
using QbSync.Engine.Source.Phases;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Planning;

/// <summary>What client and destination are asked, and what is kept of their answers.</summary>
internal sealed partial class PlanMaker
{
    private const int AskedAtOnce = 256;
    private readonly Dictionary<InfoHash, Known> _known = [];

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
        var known = LookUp(torrent);
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
        var place = await LookAsync(torrent, cancellationToken).ConfigureAwait(false);
        if (place.Problem.Length > 0)
        {
            return line with { Action = PlanAction.Skip, Reason = place.Problem };
        }

        if (place.SelectedBytes is not > 0)
        {
            return line with { Action = PlanAction.Skip, Reason = "no file of it is selected" };
        }

        var selected = place.SelectedBytes.Value;
        var needed = torrent.Answer is { NeededPieces: > 0 } answer ? answer.NeededPieces : 1;
        var held = Math.Min(torrent.Answer?.HeldPieces ?? 0, needed);
        var deferred = Math.Min(torrent.Answer?.Deferred?.Count ?? 0, needed - held);
        var toLink = (long)((double)selected * deferred / needed);
        return line with
        {
            BytesToLink = toLink,
            BytesToSend = selected - toLink - (long)((double)selected * held / needed),
        };
    }

    /// <summary>Where its files are. What stands in the way is looked at anew each time.</summary>
    private async Task<PlannedPlace> LookAsync(PlannedTorrent torrent, CancellationToken cancellationToken)
    {
        var known = LookUp(torrent);
        if (known.Place is null)
        {
            var loaded = await loader.LoadAsync(torrent.Status!, known: null, cancellationToken).ConfigureAwait(false);
            loader.Forget(torrent.Status!.Id);
            if (loaded is ContentOutcome.NotReady reason)
            {
                return torrent.Place = new PlannedPlace(reason.Text, "", null);
            }

            var content = ((ContentOutcome.Ready)loaded).Content;
            known.Place = new PlannedPlace("", content.Location.BaseFolders[0], content.Pieces.SelectedBytes);
        }

        return torrent.Place = known.Place;
    }

    /// <summary>What is known of a torrent as the client tells of it now.</summary>
    private Known LookUp(PlannedTorrent torrent)
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

        public PlannedPlace? Place { get; set; }
    }
}
