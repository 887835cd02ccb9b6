using QbSync.Engine.Source.Planning;
using QbSync.Engine.Source.Streaming;

namespace QbSync.Engine.Source;

internal sealed partial class SourceLoop
{
    /// <summary>
    /// Takes the options that are in force over, if they are others than before: here and nowhere else, so that whatever the loop decides between two of these
    /// moments it decides by one set of them.
    /// </summary>
    private void TakeOptions()
    {
        var (before, now) = (_options, _with.Options.Current);
        if (ReferenceEquals(before, now))
        {
            return;
        }

        _options = now;
        _space.MinSpace = now.MinSpace;
        _turns.SetMinSpace(now.MinSpace);
        _scheduler.Configure(now.Order == BacklogOrder.Fair, now.MaxActive);
        _rates = new RateSchedule(now.BandwidthSchedule, now.RateLimit);
        _isRateChanged |= before.RateLimit != now.RateLimit || !before.BandwidthSchedule.SequenceEqual(now.BandwidthSchedule);
        _with.Metrics.Apply(now.Series);
        _monitor.Wake();

        // What lists and tags say of each torrent is asked anew, with what a list may need to know of it.
        _filter = new SyncFilter(now.Filter);
        foreach (var sync in _syncs.Values.ToArray())
        {
            (sync.Traits, sync.Filter) = (null, null);
            Consider(sync);
        }
    }
}
