using QbSync.Engine.Source.Streaming;

namespace QbSync.Engine.Source;

internal sealed partial class SourceLoop
{
    private RateSchedule _rates;
    private bool _isRateChanged;
    private long? _rate;

    /// <summary>Sets the link to the rate of this time of the week, if that is another one than before. Without a schedule the link keeps the one that it was made with, until another is told.</summary>
    private void ApplyRate()
    {
        if ((_rates.IsEmpty && !_isRateChanged) || _link is not { } link)
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
