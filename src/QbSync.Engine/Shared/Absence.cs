namespace QbSync.Engine.Shared;

/// <summary>When an absence is worth telling, and when its end is. Pure: times are passed in, of a monotonic clock.</summary>
internal sealed class Absence
{
    /// <summary>Shorter ones are nothing special: restarts, updates, a router's night.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private TimeSpan? _since;
    private bool _isTold;

    /// <summary>Whether it has to be told now that the absence is a long one (true) or that a long one is over (false); null for neither.</summary>
    public bool? See(bool isHere, TimeSpan now)
    {
        if (isHere)
        {
            var wasTold = _isTold;
            (_since, _isTold) = (null, false);
            return wasTold ? false : null;
        }

        _since ??= now;
        if (_isTold || now - _since < Patience)
        {
            return null;
        }

        return _isTold = true;
    }
}
