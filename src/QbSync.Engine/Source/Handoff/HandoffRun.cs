using System.Collections.Concurrent;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Handoff;

/// <summary>
/// The handoff of one group, from its first step or from where an earlier process left it. It runs off the loop; the journal names each step before the
/// step is tried, so that whoever comes after a crash knows what may have happened. Ends by itself, or is suspended with its entry left open.
/// </summary>
internal sealed partial class HandoffRun : IDisposable
{
    private static readonly TimeSpan RepeatPause = TimeSpan.FromSeconds(5);
    private readonly HandoffServices _with;
    private readonly IReadOnlyDictionary<InfoHash, HandoffFacts> _facts;
    private readonly Action<HandoffRun> _onMoved;
    private readonly bool _isRecovered;
    private readonly CancellationTokenSource _suspended = new();
    private readonly CancellationTokenSource _forward = new();
    private readonly ConcurrentDictionary<InfoHash, bool> _removed = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _membersGate = new();
    private readonly HashSet<(InfoHash Id, DeleteBlock Reason)> _blocked = [];
    private volatile HandoffEntry _entry;
    private volatile bool _deleteWasSent;
    private int _stepsNamed;
    private bool _wasTouched;
    private bool _isSilent;
    private StepVerdict _turnBack = StepVerdict.Failed("it was turned back");
    private long _stepBegan;

    /// <param name="with">What it works with.</param>
    /// <param name="group">The group; one object from begin to end.</param>
    /// <param name="entry">A new entry, or one that was found.</param>
    /// <param name="facts">By member.</param>
    /// <param name="isRecovered">Whether an earlier process began it.</param>
    /// <param name="onMoved">Told after each step that was named; quick.</param>
    public HandoffRun(
        HandoffServices with, HandoffGroup group, HandoffEntry entry, IReadOnlyDictionary<InfoHash, HandoffFacts> facts, bool isRecovered, Action<HandoffRun> onMoved)
    {
        (_with, Group, _entry, _facts, _isRecovered, _onMoved) = (with, group, entry, facts, isRecovered, onMoved);
        _stepBegan = with.Clock.Provider.GetTimestamp();
    }

    /// <summary>Whether an earlier process began it.</summary>
    public bool IsRecovered => _isRecovered;

    /// <summary>The group.</summary>
    public HandoffGroup Group { get; }

    /// <summary>The entry as it stands.</summary>
    public HandoffEntry Entry => _entry;

    /// <summary>Ends when <see cref="RunAsync"/> does.</summary>
    public Task Ended => _ended.Task;

    /// <summary>How far its step is beyond its bound; 0 for a step that may take as long as it takes.</summary>
    public TimeSpan Overdue
    {
        get
        {
            var entry = _entry;
            if (entry.Step is HandoffStep.None or HandoffStep.Closed || HandoffSteps.Of(entry.Step, entry.Overlaps).Bound is not { } bound)
            {
                return TimeSpan.Zero;
            }

            var late = _with.Clock.Provider.GetElapsedTime(Volatile.Read(ref _stepBegan)) - bound;
            return late > TimeSpan.Zero ? late : TimeSpan.Zero;
        }
    }

    /// <summary>Whether turning back would leave something better than going on: a step in which nobody may seed.</summary>
    public bool IsBetween => _entry is { Overlaps: false, Step: HandoffStep.Prepared or HandoffStep.Stopping or HandoffStep.Starting };

    /// <summary>Has it turn back, unless something is deleted already. Any thread.</summary>
    public void TurnBack(string reason)
    {
        if (!_entry.AnyGone)
        {
            _turnBack = StepVerdict.Failed(reason);
            Cancel(_forward);
        }
    }

    /// <summary>Takes no further step: the entry is left to the next process. Any thread.</summary>
    public void Suspend() => Cancel(_suspended);

    /// <summary>A member is believed to be removed from the client. Any thread.</summary>
    public void OnRemoved(InfoHash id)
    {
        _removed[id] = true;
        if (_entry.Step is not (HandoffStep.Deleting or HandoffStep.Confirming or HandoffStep.RollingBack) && !_deleteWasSent)
        {
            _turnBack = new StepVerdict(StepResult.Removed, "it was removed from the client");
            Cancel(_forward);
        }
    }

    /// <summary>A member is listed again. Any thread.</summary>
    public void OnListed(InfoHash id) => _removed.TryRemove(id, out _);

    /// <summary>Runs to an end; null when it was suspended.</summary>
    public async Task<HandoffEnd?> RunAsync()
    {
        try
        {
            await MoveAsync(_isRecovered ? await TryRecoverAsync().ConfigureAwait(false) : HandoffStep.Prepared).ConfigureAwait(false);
            while (_entry.Step != HandoffStep.Closed)
            {
                var verdict = await TryStepAsync().ConfigureAwait(false);
                Note(verdict);
                await MoveAsync(HandoffSteps.Next(_entry.Step, _entry.Overlaps, verdict.Result, _entry.AnyGone)).ConfigureAwait(false);
            }

            return MakeEnd();
        }
        catch (OperationCanceledException)
        {
            Log.Suspended(_with.Logger, Names, _entry.Step);
            return null;
        }
        finally
        {
            _ended.TrySetResult();
        }
    }

    public void Dispose()
    {
        _suspended.Dispose();
        _forward.Dispose();
    }

    private static void Cancel(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended meanwhile.
        }
    }

    private IEnumerable<HandoffMember> Here => _entry.Members.Where(static member => !member.IsGone);

    private string Names => string.Join(", ", _entry.Members.Take(3).Select(static member => member.Name)) + (_entry.Members.Count > 3 ? ", ..." : "");

    private TimeSpan Now => _with.Clock.Now;

    private DateTimeOffset WallNow => _with.Clock.WallNow;

    /// <summary>The one way from step to step: refused for a pair that the table lacks, and durable before the step is tried.</summary>
    private async Task MoveAsync(HandoffStep next)
    {
        var entry = _entry;
        if (!(_isRecovered && _stepsNamed == 0) && !HandoffSteps.MayFollow(entry.Step, entry.Overlaps, next))
        {
            throw new InvalidOperationException($"No handoff goes from {entry.Step} to {next}.");
        }

        _stepsNamed++;
        var named = entry with
        {
            Step = next,
            StepAt = WallNow,
            MayBeActiveThere = entry.MayBeActiveThere || next == HandoffStep.Starting,
            StopWasSent = entry.StopWasSent || next == HandoffStep.Stopping,
        };
        if (next == HandoffStep.Closed)
        {
            await CloseAsync(named).ConfigureAwait(false);
        }
        else if (await SaveAsync(named).ConfigureAwait(false) is { } fault && next is HandoffStep.Stopping or HandoffStep.Starting or HandoffStep.Deleting)
        {
            // What is not named is not done. The other steps change nothing, or are what recovery would do anyhow.
            Note(StepVerdict.Failed(fault));
            await MoveAsync(HandoffSteps.Of(entry.Step, entry.Overlaps).Failed).ConfigureAwait(false);
            return;
        }

        Volatile.Write(ref _stepBegan, _with.Clock.Provider.GetTimestamp());
        _entry = named;
        Log.Moved(_with.Logger, Names, next, entry.Step);
        _onMoved(this);
    }

    private async Task<StepVerdict> TryStepAsync()
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_suspended.Token, _forward.Token);
        var step = _entry.Step;
        try
        {
            return await (step switch
            {
                HandoffStep.Prepared => PrepareAsync(either.Token),
                HandoffStep.Stopping => StopHereAsync(either.Token),
                HandoffStep.Starting => StartThereAsync(either.Token),
                HandoffStep.Verifying => VerifyAsync(either.Token),
                HandoffStep.Announcing => AwaitAnnounceAsync(either.Token),
                HandoffStep.Overlapping => OverlapAsync(either.Token),
                HandoffStep.Waiting => WaitAsync(either.Token),
                HandoffStep.Proving => ProveAsync(either.Token),
                HandoffStep.Deleting => DeleteAsync(_suspended.Token),
                HandoffStep.Confirming => ConfirmAsync(_suspended.Token),
                HandoffStep.RollingBack => RollBackAsync(_suspended.Token),
                _ => throw new InvalidOperationException($"{step} is no step to try."),
            }).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_forward.IsCancellationRequested && !_suspended.IsCancellationRequested)
        {
            return _turnBack;
        }
        catch (Exception e) when (e is not (OperationCanceledException or OutOfMemoryException))
        {
            Log.Unexpected(_with.Logger, Names, step, e);
            await PauseAsync(RepeatPause, _suspended.Token).ConfigureAwait(false);
            return step == HandoffStep.Deleting ? new StepVerdict(StepResult.Again, e.Message) : StepVerdict.Failed(e.Message);
        }
    }

    private async Task<HandoffStep> TryRecoverAsync()
    {
        while (true)
        {
            try
            {
                return await RecoverAsync().ConfigureAwait(false);
            }
            catch (Exception e) when (e is not (OperationCanceledException or OutOfMemoryException))
            {
                Log.Unexpected(_with.Logger, Names, _entry.Step, e);
                await PauseAsync(RepeatPause, _suspended.Token).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Each torrent counts once a handoff for a reason, however often that stands in the way.</summary>
    private void CountBlocked(IEnumerable<HandoffMember> members, DeleteBlock reason)
    {
        foreach (var member in members)
        {
            if (reason != DeleteBlock.None && _blocked.Add((member.InfoHash, reason)))
            {
                _with.Metrics.DeleteBlocked(reason);
            }
        }
    }

    private void Note(StepVerdict verdict)
    {
        CountBlocked(Here, verdict.Block);
        if (verdict.Result is StepResult.Done or StepResult.Again)
        {
            return;
        }

        _isSilent |= verdict.Result == StepResult.Silent;
        if (_entry.Step is not (HandoffStep.RollingBack or HandoffStep.Confirming))
        {
            _entry = _entry with { Reason = verdict.Reason, WasRefusedByTracker = verdict.IsOfTracker };
            Log.TurnsBack(_with.Logger, Names, _entry.Step, verdict.Reason);
        }
    }

    private HandoffEnd MakeEnd() => _entry switch
    {
        { AnyGone: true } entry when !Here.Any() => new HandoffEnd(HandoffResult.HandedOff, entry.Reason),
        { } entry when _wasTouched || _isRecovered => new HandoffEnd(HandoffResult.RolledBack, entry.Reason),
        { } entry => new HandoffEnd(HandoffResult.Refused, entry.Reason),
    };
}
