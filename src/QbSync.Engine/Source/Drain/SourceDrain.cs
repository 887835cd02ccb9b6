using QbSync.Engine.Source.Handoff;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Drain;

/// <summary>How a drain spends its time. Pure, fed with times of the monotonic clock; owned by the loop.</summary>
internal sealed class SourceDrain(TimeSpan began, TimeSpan timeout)
{
    /// <summary>Groups on their way at once.</summary>
    public const int GroupsAtOnce = 32;

    /// <summary>What groups that are on their way at the deadline have to come to an end.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    private const int MostRefusals = 3;
    private static readonly TimeSpan LeastLeft = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RefusedRest = TimeSpan.FromSeconds(10);
    private readonly Dictionary<HandoffGroup, TimeSpan> _open = new(ReferenceEqualityComparer.Instance);
    private readonly List<TimeSpan> _durations = [];
    private readonly Dictionary<InfoHash, (int Refusals, TimeSpan NotBefore)> _failed = [];

    /// <summary>Torrents that are gone from here.</summary>
    public int HandedOff { get; private set; }

    public int Open => _open.Count;

    /// <summary>Whether the end was begun: nothing new is taken on its way.</summary>
    public bool IsEnding { get; set; }

    public TimeSpan Left(TimeSpan now) => began + timeout - now;

    public bool IsOver(TimeSpan now) => Left(now) <= TimeSpan.Zero;

    /// <summary>What is complete here and not yet whole there is sent for the first half: what comes later could not leave in time.</summary>
    public bool Sends(TimeSpan now) => !IsEnding && Left(now) > timeout / 2;

    /// <summary>Whether a group that begins now is likely to end in time: what is stopped in the middle has cost two announces for nothing.</summary>
    public bool HasTime(TimeSpan now) => !IsEnding && Left(now) >= Most(LeastLeft, Median * 2);

    public bool MayBegin(TimeSpan now) => HasTime(now) && _open.Count < GroupsAtOnce;

    public void Began(HandoffGroup group, TimeSpan now) => _open[group] = now;

    public void Ended(HandoffGroup group, HandoffEnd end, TimeSpan now)
    {
        if (!_open.Remove(group, out var since))
        {
            return;
        }

        if (end.Result == HandoffResult.HandedOff)
        {
            HandedOff += group.Members.Count;
            var took = now - since;
            var at = _durations.BinarySearch(took);
            _durations.Insert(at < 0 ? ~at : at, took);
            return;
        }

        // What nobody touched yet may go a little later. What was stopped and started again is not to be tossed about.
        foreach (var id in group.Members)
        {
            var refusals = _failed.GetValueOrDefault(id).Refusals + 1;
            _failed[id] = (end.Result == HandoffResult.Refused ? refusals : MostRefusals, now + RefusedRest);
        }
    }

    /// <summary>Whether a torrent that came back may go once more, now or later.</summary>
    public bool MayTry(InfoHash id) => _failed.GetValueOrDefault(id).Refusals < MostRefusals;

    /// <summary>Whether it may go now.</summary>
    public bool MayTryNow(InfoHash id, TimeSpan now) => !_failed.TryGetValue(id, out var failed) || (MayTry(id) && now >= failed.NotBefore);

    private TimeSpan Median => _durations.Count == 0 ? TimeSpan.Zero : _durations[_durations.Count / 2];

    private static TimeSpan Most(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
