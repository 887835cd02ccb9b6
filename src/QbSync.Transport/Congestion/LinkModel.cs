namespace QbSync.Transport.Congestion;

/// <summary>
/// How much a link may have in flight on all its streams: enough that TCP is never idle, little enough that queues stay short. TCP does the congestion control;
/// nothing that is the destination's affair (verdicts, disks, timeouts) enters. Owns the windows of the streams and decides who may hand a chunk over. Facts and
/// their times are passed in; no clock, lock or socket inside. Not thread-safe: the pool's gate guards it. The other parts: States, Probing, Estimates,
/// Standstill.
/// </summary>
internal sealed partial class LinkModel(CongestionOptions options)
{
    // More than all streams may have; only keeps the arithmetic in its range.
    private const double Most = 1L << 40;

    // So many times what a round trip delivers in flight: more would not come through faster.
    private const double Full = 1.25;

    private readonly List<CongestionWindow> _windows = [];
    private readonly DeliveryRateEstimator _rate = new();
    private long _reserved;
    private long _chunks;
    private long _stuck;
    private int _busy;

    /// <summary>Bytes that may be in flight on all streams together.</summary>
    public long Size { get; private set; }

    /// <summary>Bytes in flight on all streams together, but those that stand still.</summary>
    public long InFlight => _rate.InFlight - _stuck;

    /// <summary>Bytes a second that the link delivers.</summary>
    public double Rate => _rate.Rate;

    /// <summary>The windows of the open streams.</summary>
    public IReadOnlyList<CongestionWindow> Windows => _windows;

    /// <summary>A stream was opened.</summary>
    public CongestionWindow Add(long credit, long maxInFlight, TimeSpan now)
    {
        var window = new CongestionWindow(options, credit, maxInFlight, NetworkRoundTrip) { FreeSince = now };
        _windows.Add(window);
        _chunks += window.ChunkSize;
        Resize();
        return window;
    }

    /// <summary>A stream ended: what it had in flight is not in flight any more. The other windows stay as they are.</summary>
    public void Remove(CongestionWindow window, TimeSpan now)
    {
        if (_windows.Remove(window))
        {
            Advance(now);
            Release(window);
            Unstick(window);
            _busy -= window.InFlight > 0 ? 1 : 0;
            _rate.Drop(window.InFlight);
            _chunks -= window.ChunkSize;
            NoteBusy(now);
            Resize();
        }
    }

    /// <summary>
    /// Payload of <paramref name="wanted"/> that may be handed over now; 0 with the first reason that forbids it. What it gives is not reserved.
    /// </summary>
    public int Room(CongestionWindow window, int wanted, TimeSpan now, out SendHold hold)
    {
        Advance(now);
        var room = window.Room(wanted, out hold);
        if (hold == SendHold.None && InFlight + _reserved - window.Reserved >= Size)
        {
            hold = SendHold.LinkWindow;
            room = 0;
        }
        else if (hold == SendHold.Credit)
        {
            MarkLimited(window);
        }

        return room;
    }

    /// <summary>Keeps room on the link for a sender that was told so, until it hands a chunk over or gives it up.</summary>
    public void Reserve(CongestionWindow window, int payload)
    {
        var weight = ChunkWeight.Of(payload);
        _reserved += weight - window.Reserved;
        window.Reserved = weight;
    }

    /// <summary>Gives up what was reserved.</summary>
    public void Release(CongestionWindow window)
    {
        _reserved -= window.Reserved;
        window.Reserved = 0;
    }

    public void OnHandedOver(CongestionWindow window, int weight, TimeSpan now)
    {
        Release(window);
        Unstick(window);
        RestartAfterSilence(now);
        Advance(now);
        if (State == LinkState.RttProbe)
        {
            // The probe holds the sender, so what is measured now is not the link.
            _rate.MarkLimited();
            window.Delivery.MarkLimited();
        }

        NoteBusy(now);
        _busy += window.InFlight == 0 ? 1 : 0;
        window.OnHandedOver(weight, _rate.OnHandedOver(weight, now), now);
    }

    /// <summary>The stream's newest chunk did not go out after all. One that has ended took all its chunks with it.</summary>
    public void TakeBack(CongestionWindow window, int weight, TimeSpan now)
    {
        Unstick(window);
        if (_windows.Contains(window) && window.TryTakeBack(weight))
        {
            _busy -= window.InFlight == 0 ? 1 : 0;
            _rate.Drop(weight);
            NoteBusy(now);
        }
    }

    /// <summary>Takes the destination's report; false when no honest peer can have sent it.</summary>
    /// <param name="received">Weight that it has taken off the stream, ever.</param>
    /// <param name="credit">Weight that it may be sent, ever.</param>
    /// <param name="returns">How many returns of credit it knew of.</param>
    /// <param name="delay">How long its newest chunk waited for the report.</param>
    public bool OnReport(CongestionWindow window, long received, long credit, ulong returns, TimeSpan delay, TimeSpan now)
    {
        if (!window.IsPossible(received, credit, returns))
        {
            return false;
        }

        window.RaiseCredit(credit, returns);
        if (received > window.Received)
        {
            var news = received - window.Received;
            NoteBusy(now);
            Unstick(window);
            _rate.OnDelivered(news, now);
            if (window.TryTake(received, delay, now, out var chunk))
            {
                _rate.Sample(chunk.Link, chunk.SentAt, now);
                OnRoundTrip(chunk.SentAt, now - chunk.SentAt - delay, now);
            }

            _busy -= window.InFlight == 0 ? 1 : 0;
            NoteBusy(now);
            Advance(now);
            ResizeStream(window, news);
            Resize();
        }

        return true;
    }

    /// <summary>Gives back what credit there is above <paramref name="kept"/>, so that others may have it; the limit to be told.</summary>
    public long ReturnCredit(CongestionWindow window, long kept) => window.ReturnCredit(kept);

    /// <summary>The rate limit or the receiver holds the sender, so what is measured now is not the link, unless the windows are full anyway.</summary>
    public void MarkLimited(CongestionWindow window)
    {
        if (InFlight >= Math.Min(Size, Full * Rate * RoundTrip.TotalSeconds))
        {
            return;
        }

        _rate.MarkLimited();
        if (window.InFlight < window.Size)
        {
            window.Delivery.MarkLimited();
        }
    }

    /// <summary>A sender has the stream that it wanted since then. Where the source left it alone for long enough to drain the way, it is the limit.</summary>
    public void OnSenderCame(CongestionWindow window, TimeSpan wantedSince)
    {
        if (window.FreeSince is { } since && wantedSince - since >= RoundTrip / 8)
        {
            if (InFlight < Rate * RoundTrip.TotalSeconds)
            {
                _rate.MarkLimited();
            }

            if (window.InFlight < window.Rate * RoundTrip.TotalSeconds)
            {
                window.Delivery.MarkLimited();
            }
        }

        window.FreeSince = null;
    }

    private void ResizeStream(CongestionWindow window, long news)
    {
        var before = window.ChunkSize;
        window.Resize(news, RoundTrip, NetworkRoundTrip, _factor.Factor, Rate / Math.Max(1, _busy), Rate / 2 / _windows.Count);
        _chunks += window.ChunkSize - before;
    }
}
