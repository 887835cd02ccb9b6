using QbSync.Engine.Source.Phases;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Handoff;

/// <summary>Step 1: both sides are looked at, nothing is touched.</summary>
internal sealed partial class HandoffRun
{
    private readonly Dictionary<InfoHash, TorrentContent> _contents = [];

    private async Task<StepVerdict> PrepareAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await LookHereAsync(cancellationToken).ConfigureAwait(false) is { } refusal)
            {
                return StepVerdict.Failed(refusal);
            }

            await NoteTrackersAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (TorrentClientException e)
        {
            return StepVerdict.Failed(e.Message);
        }

        var verdict = await AskProofsAsync(mustBeActive: false, cancellationToken).ConfigureAwait(false);
        if (verdict.Result == StepResult.Done)
        {
            await NoteActiveAsync(cancellationToken).ConfigureAwait(false);
            _entry = _entry with { Overlaps = _with.Options.Current.Handoff.Overlap > TimeSpan.Zero && Here.All(MayOverlap) };
        }

        return verdict;
    }

    private bool MayOverlap(HandoffMember member) => _contents.TryGetValue(member.InfoHash, out var content) && !content.Manifest.IsPrivate;

    /// <summary>A fresh list and a fresh files call of each member against its record: the reason against the group, or null.</summary>
    private async Task<string?> LookHereAsync(CancellationToken cancellationToken)
    {
        foreach (var member in Here.ToArray())
        {
            if (await TryGetHereAsync(member, cancellationToken).ConfigureAwait(false) is not { } status)
            {
                return $"{member.Name}: the client does not list it";
            }

            if (HandoffRules.FindRefusal(status, _entry.Cause, _with.Options.Current, WallNow) is { } refusal)
            {
                return $"{member.Name}: {refusal}";
            }

            var known = _contents.GetValueOrDefault(member.InfoHash)?.Manifest ?? _facts.GetValueOrDefault(member.InfoHash)?.Manifest;
            var loaded = await _with.Loader.LoadAsync(status, known, cancellationToken).ConfigureAwait(false);
            if (loaded is not ContentOutcome.Ready { Content: var content })
            {
                return $"{member.Name}: {((ContentOutcome.NotReady)loaded).Text}";
            }

            if (content.Manifest.Id != member.InfoHash)
            {
                return $"{member.Name}: the client has another torrent under its name";
            }

            if (content.Selection.IsEmpty || !member.Agrees(content.Manifest, content.Selection))
            {
                return $"{member.Name}: its selection changed";
            }

            _contents[member.InfoHash] = content;
        }

        return null;
    }

    private async Task NoteTrackersAsync(CancellationToken cancellationToken)
    {
        foreach (var member in Here.ToArray())
        {
            var trackers = await _with.Client.GetTrackersAsync(member.Handle, cancellationToken).ConfigureAwait(false);
            _entry = _entry.With(member with { HasTrackers = trackers.Any(static tracker => tracker.Status != TrackerStatus.Disabled) });
        }
    }

    /// <summary>Keeps who is active now, right before the stop is named: what the user has stopped stays so.</summary>
    private async Task NoteActiveAsync(CancellationToken cancellationToken)
    {
        foreach (var member in Here.ToArray())
        {
            if (await GetHereAsync(member, cancellationToken).ConfigureAwait(false) is { } status)
            {
                _entry = _entry.With(member with { WasActive = !status.IsStopped, AddedAt = status.AddedAt });
            }
        }
    }
}
