namespace QbSync.Transport.Congestion;

/// <summary>Why a sender may not hand a chunk over.</summary>
internal enum SendHold
{
    /// <summary>It may.</summary>
    None = 0,

    /// <summary>As much is in flight as the window allows.</summary>
    Window = 1,

    /// <summary>The receiver has no room.</summary>
    Credit = 2,
}

/// <summary>
/// How much one stream may have in flight: enough that TCP is never idle, little enough that queues stay short. TCP does the congestion control; nothing that
/// is the destination's affair (verdicts, disks, timeouts) enters. The receiver's credit is a second, hard limit. All in <see cref="ChunkWeight"/>; times are
/// passed in. Not thread-safe: the pool's gate guards it.
/// </summary>
internal sealed class CongestionWindow(CongestionOptions options)
{
    public const long Largest = 16 * 1024 * 1024;
    public const long Smallest = 128 * 1024;

    // Below this a least round trip is the jitter of busy hosts, not the way's length.
    private static readonly TimeSpan ShortestRoundTrip = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ForgetAfter = TimeSpan.FromSeconds(60);

    private readonly DeliveryRateEstimator _rate = new();
    private readonly RttEstimator _rtt = new();
    private long _cap = Largest;
    private bool _isStartup = true;
    private double _rateAtLastGrowth;
    private int _roundsSeen;
    private int _flatRounds;
    private TimeSpan _lastBusy;

    /// <summary>Bytes that may be in flight.</summary>
    public long Size { get; private set; } = Math.Max(options.StartWindow, Smallest);

    /// <summary>Weight handed over, ever.</summary>
    public long HandedOver { get; private set; }

    /// <summary>Weight that the destination has taken off the stream.</summary>
    public long Received { get; private set; }

    /// <summary>Weight that may be handed over, ever.</summary>
    public long Credit { get; private set; }

    public long InFlight => HandedOver - Received;

    public TimeSpan? SmoothedRtt => _rtt.Smoothed;

    /// <summary>Payload of one chunk.</summary>
    public int ChunkSize { get; private set; } = ChunkSizing.First(null);

    /// <summary>The peer accepted the stream.</summary>
    public void Open(long credit, long maxInFlight)
    {
        Credit = credit;
        _cap = Math.Clamp(maxInFlight, Smallest, Largest);
        Size = Math.Min(Size, _cap);
    }

    /// <summary>
    /// Payload that may be handed over now, of <paramref name="wanted"/>; 0 with the reason when none. A chunk is cut to the credit that is left rather than
    /// waited for, else a small credit and a large chunk would wait for each other for ever.
    /// </summary>
    public int Room(int wanted, out SendHold hold)
    {
        var left = Credit - HandedOver;
        hold = left < ChunkWeight.Least ? SendHold.Credit : SendHold.None;
        if (hold == SendHold.None && InFlight >= Size)
        {
            hold = SendHold.Window;
        }

        if (hold == SendHold.None && ChunkWeight.Of(wanted) > left)
        {
            if (left >= ChunkSizing.Smallest || InFlight == 0)
            {
                return (int)left;
            }

            hold = SendHold.Credit;
        }

        if (hold == SendHold.Credit)
        {
            _rate.MarkLimited();
        }

        return hold == SendHold.None ? wanted : 0;
    }

    /// <summary>Whether a piece may begin.</summary>
    public bool HasRoom => InFlight < Size && Credit - HandedOver >= ChunkWeight.Least;

    /// <summary>The source or the rate limit holds the sender, so what is measured now is not the link.</summary>
    public void MarkLimited() => _rate.MarkLimited();

    public void OnHandedOver(int weight, TimeSpan now)
    {
        if (InFlight == 0 && now - _lastBusy >= ForgetAfter)
        {
            Restart();
        }

        HandedOver += weight;
        _lastBusy = now;
        _rate.OnHandedOver(weight, now);
    }

    /// <summary>The newest chunk did not go out after all.</summary>
    public void TakeBack(int weight)
    {
        HandedOver -= weight;
        _rate.TakeBack(weight);
    }

    /// <summary>Takes the destination's report; false when no honest peer can have sent it.</summary>
    public bool OnReport(long received, long credit, TimeSpan delay, TimeSpan now)
    {
        if (received < Received || received > HandedOver || credit < 0)
        {
            return false;
        }

        Credit = Math.Max(Credit, credit);
        if (received == Received)
        {
            return true;
        }

        var news = received - Received;
        Received = received;
        _lastBusy = now;
        if (_rate.OnReported(received, now) is { } sentAt)
        {
            _rtt.Add(now - sentAt - delay, now);
        }

        Resize(news);
        return true;
    }

    private void Resize(long news)
    {
        var roundTrip = _rtt.Least is { } least && least > ShortestRoundTrip ? least : ShortestRoundTrip;
        var perRoundTrip = _rate.Rate * roundTrip.TotalSeconds;
        ChunkSize = ChunkSizing.For(_rate.Rate, _rtt.Least);
        if (_isStartup)
        {
            LeaveStartupWhenFlat();
        }

        var target = _isStartup
            ? Math.Min(Size + news, Math.Max(options.StartWindow, (3 * perRoundTrip) + (2 * ChunkSize)))
            : (options.Factor * perRoundTrip) + (2 * ChunkSize);
        Size = Math.Clamp((long)target, Math.Min(_cap, Math.Max(Smallest, 2 * ChunkSize)), _cap);
    }

    private void LeaveStartupWhenFlat()
    {
        if (_rate.RoundsMeasured == _roundsSeen)
        {
            return;
        }

        _roundsSeen = _rate.RoundsMeasured;
        if (_rate.Rate >= _rateAtLastGrowth * 1.25)
        {
            _rateAtLastGrowth = _rate.Rate;
            _flatRounds = 0;
        }
        else if (++_flatRounds >= 3)
        {
            _isStartup = false;
        }
    }

    private void Restart()
    {
        _rate.Forget();
        _rtt.Forget();
        _isStartup = true;
        _rateAtLastGrowth = 0;
        _roundsSeen = 0;
        _flatRounds = 0;
        Size = Math.Clamp(options.StartWindow, Math.Min(Smallest, _cap), _cap);
    }
}
