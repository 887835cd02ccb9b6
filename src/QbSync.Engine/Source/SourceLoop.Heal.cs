using QbSync.Engine.Source.Streaming;
using QbSync.Ports;

namespace QbSync.Engine.Source;

/// <summary>What the destination lost and we did not hear of, or heard of too early.</summary>
internal sealed partial class SourceLoop
{
    private const int HealedAtOnce = 64;
    private static readonly TimeSpan HealPause = TimeSpan.FromSeconds(1);
    private bool _isHealing;
    private TimeSpan _healedAt = TimeSpan.MinValue;

    /// <summary>A status told how often held bits were lost: a number that is not ours means that a push was missed.</summary>
    private void OnLosses(PieceStream stream, ulong losses)
    {
        if (stream.KnownLosses != losses)
        {
            stream.NeedsBitmaps = true;
            stream.HealAfter = _scheduler.NextAttempt - 1;
        }
    }

    /// <summary>
    /// The bitmaps came by themselves. They are asked for once more when all that is in flight now is answered, since an older Accepted may come after them.
    /// </summary>
    private void OnPushed(PieceStream stream, ulong losses)
    {
        stream.NeedsBitmaps = false;
        if (stream.KnownLosses != losses)
        {
            stream.KnownLosses = losses;
            stream.HealAfter = _scheduler.NextAttempt - 1;
        }
    }

    /// <summary>Asks for the bitmaps of the torrents that need it, one question at a time.</summary>
    private void Heal()
    {
        if (_isHealing || _isStopping || !PeerReady || Now - HealPause < _healedAt)
        {
            return;
        }

        List<(TorrentSync Sync, StreamGrant Grant)> asked = [];
        foreach (var sync in _syncs.Values)
        {
            if (asked.Count < HealedAtOnce && sync is { State: TorrentSyncState.Streaming, Stream: { Grant: { } grant } stream } && IsHealDue(stream))
            {
                stream.Table.BeginQuestion();
                asked.Add((sync, grant));
            }
        }

        if (asked.Count > 0)
        {
            _isHealing = true;
            _healedAt = Now;
            Track(Task.Run(() => AskBitmapsAsync(asked), CancellationToken.None));
        }
    }

    private static bool IsHealDue(PieceStream stream)
    {
        if (stream.HealAfter is { } last && !stream.Table.HasInFlightUpTo(last))
        {
            (stream.HealAfter, stream.NeedsBitmaps) = (null, true);
        }

        return stream.NeedsBitmaps;
    }

    private async Task AskBitmapsAsync(List<(TorrentSync Sync, StreamGrant Grant)> asked)
    {
        IReadOnlyList<DestinationTorrentStatus> answers = [];
        try
        {
            answers = await _destination.GetStatusAsync([.. asked.Select(static item => item.Sync.Id)], withBitmaps: true, _phasesEnd.Token)
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_phasesEnd.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Log.NotHealed(_logger, e.Message);
        }

        await PostAsync(new SourceCommand.Bitmaps(asked, answers)).ConfigureAwait(false);
    }

    private void OnBitmaps(SourceCommand.Bitmaps bitmaps)
    {
        _isHealing = false;
        var byId = bitmaps.Answers.DistinctBy(static status => status.Id).ToDictionary(static status => status.Id);
        foreach (var (sync, grant) in bitmaps.Asked)
        {
            if (sync.Stream is not { } stream || stream.Grant != grant)
            {
                continue; // opened anew meanwhile, which brought the bitmaps
            }

            if (byId.TryGetValue(sync.Id, out var status) && status.Epoch == grant.Epoch
                && ((status.Have is { } told && told.Length != stream.Table.PieceCount)
                    || (status.Deferred is { } later && later.Length != stream.Table.PieceCount)))
            {
                stream.Table.EndQuestion();
                OnBreach(sync, $"The destination tells another number of pieces than {stream.Table.PieceCount}.");
                continue;
            }

            if (status is not { Have: { } have, Deferred: { } deferred }
                || have.Length != stream.Table.PieceCount || deferred.Length != stream.Table.PieceCount || status.Epoch != grant.Epoch)
            {
                stream.Table.EndQuestion();
                OnStatusChanged(sync, status ?? new DestinationTorrentStatus { Id = sync.Id, State = DestinationTorrentState.Unknown });
                continue;
            }

            stream.NeedsBitmaps = false;
            stream.KnownLosses = status.Losses;
            stream.Table.EndQuestion(have, deferred);
            _pulse.Pulse();
            Consider(sync);
        }
    }
}
