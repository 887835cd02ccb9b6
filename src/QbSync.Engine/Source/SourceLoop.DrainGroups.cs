using QbSync.Engine.Source.Cleanup;
using QbSync.Engine.Source.Drain;
using QbSync.Engine.Source.Handoff;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

/// <summary>Who leaves together in a drain: torrents that share a path. Where only an inode is shared each goes by itself, since space is no matter here.</summary>
internal sealed partial class SourceLoop
{
    private static readonly TimeSpan DrainLookPause = TimeSpan.FromSeconds(2);
    private DrainLook? _drainLook;
    private bool _isDrainLooking;
    private TimeSpan _drainLookedAt = TimeSpan.MinValue;

    /// <summary>
    /// Asks which files the torrents have, all of them at once, while there is one that could go if that were known. True while the answer is waited for.
    /// </summary>
    private bool LookForDrain(SourceDrain drain)
    {
        var isLacking = drain.HasTime(Now) && _syncs.Values.Any(
            sync => drain.MayTry(sync.Id) && HandoffRefusal(sync, HandoffCause.Drain) is null && _drainLook?.Parts.ContainsKey(sync.ClientId) != true);
        if (isLacking && !_isDrainLooking && _lastSeen is { } seen && (_drainLook is null || Now - _drainLookedAt >= DrainLookPause))
        {
            _isDrainLooking = true;
            _drainLookedAt = Now;
            Track(Task.Run(() => LookForDrainAsync(seen.Update.Torrents), CancellationToken.None));
        }

        return isLacking;
    }

    private async Task LookForDrainAsync(IReadOnlyList<TorrentStatus> torrents)
    {
        GroupLook? look = null;
        try
        {
            if (await _index.SurveyAsync(torrents, [], _phasesEnd.Token).ConfigureAwait(false) is { } survey)
            {
                look = new GroupLook(HardlinkGroups.Build(survey.Torrents), survey.Failed);
            }
        }
        catch (OperationCanceledException) when (_phasesEnd.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Log.GroupsUnknown(_logger, e.Message);
        }

        await PostAsync(new SourceCommand.DrainLooked(look)).ConfigureAwait(false);
    }

    private void OnDrainLooked(GroupLook? look)
    {
        _isDrainLooking = false;
        _drainLook = look is null ? _drainLook ?? DrainLook.Nothing : DrainLook.Of(look, _space.DeviceOfPath);
        Drain();
    }

    /// <summary>The groups that may go now, each once.</summary>
    private IEnumerable<HandoffGroup> DrainGroups(SourceDrain drain)
    {
        HashSet<DrainPart> seen = [];
        foreach (var sync in _syncs.Values.ToArray())
        {
            if (sync.State == TorrentSyncState.Synced && _drainLook?.Parts.GetValueOrDefault(sync.ClientId) is { } part && seen.Add(part)
                && part.Members.All(id => MayGo(id, drain)) && part.Doubt.Length == 0)
            {
                yield return new HandoffGroup([.. part.Members.Select(id => _byClientId[id].Id)], HandoffCause.Drain, part.FreesBytes);
            }
        }
    }

    private bool MayGo(ClientTorrentId id, SourceDrain drain) =>
        _byClientId.TryGetValue(id, out var sync) && drain.MayTryNow(sync.Id, Now) && HandoffRefusal(sync, HandoffCause.Drain) is null;

    /// <summary>Why a torrent that might go by itself did not: somebody that shares its files may not, or that is not known.</summary>
    private string? WhyNotAlone(TorrentSync sync)
    {
        if (_drainLook?.Parts.GetValueOrDefault(sync.ClientId) is not { } part)
        {
            return _drainLook is null ? null : "the client did not tell which files it has";
        }

        if (part.Doubt.Length > 0)
        {
            return part.Doubt;
        }

        foreach (var id in part.Members.Where(id => id != sync.ClientId))
        {
            var other = _byClientId.GetValueOrDefault(id);
            if (other is null || HandoffRefusal(other, HandoffCause.Drain) is not null)
            {
                return $"it shares files with {other?.Name ?? id.Value}, which stays";
            }
        }

        return null;
    }
}
