using QbSync.Engine.Source.Streaming;

namespace QbSync.Engine.Source;

internal sealed partial class SourceLoop
{
    private readonly RateSchedule _rates;
    private long? _rate;

    /// <summary>Sets the link to the rate of this time of the week, if that is another one than before. Without a schedule the link keeps its own.</summary>
    private void ApplyRate()
    {
        if (_rates.IsEmpty || _link is not { } link)
        {
            return;
        }

        var rate = _rates.GetRate(_with.Clock.Provider.GetLocalNow().DateTime);
        if (rate != _rate)
        {
            _rate = rate;
            link.SetRateLimit(rate);
            Log.RateChanged(_logger, rate);
        }
    }
}
