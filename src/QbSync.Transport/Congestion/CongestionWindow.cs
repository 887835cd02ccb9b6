namespace QbSync.Transport.Congestion;

/// <summary>
/// How much one stream may have in flight, and how much it may ever send by the receiver's credit. All in <see cref="ChunkWeight"/>; times are passed in.
/// Belongs to a <see cref="LinkModel"/>, which alone changes it. Not thread-safe: the pool's gate guards it.
/// </summary>
internal sealed class CongestionWindow
{
    public const long Largest = 16 * 1024 * 1024;
    public const long Smallest = 128 * 1024;

    private readonly SentChunks _sent = new();
    private readonly RttEstimator _rtt = new();
    private readonly CongestionOptions _options;
    private readonly long _cap;
    private GrowthWatch _growth;
    private bool _isStartup = true;

    public CongestionWindow(CongestionOptions options, long credit, long maxInFlight, TimeSpan? networkRoundTrip)
    {
        _options = options;
        _cap = Math.Clamp(maxInFlight, Smallest, Largest);
        Credit = credit;
        ChunkSize = ChunkSizing.First(networkRoundTrip);
        Size = Math.Clamp(options.StartWindow, Smallest, _cap);
    }

    /// <summary>Bytes that may be in flight.</summary>
    public long Size { get; private set; }

    /// <summary>Weight handed over, ever.</summary>
    public long HandedOver { get; private set; }

    /// <summary>Weight that the destination has taken off the stream.</summary>
    public long Received { get; private set; }

    /// <summary>Weight that may be handed over, ever.</summary>
    public long Credit { get; private set; }

    /// <summary>Times that credit was given back.</summary>
    public ulong Returns { get; private set; }

    public long InFlight => HandedOver - Received;

    /// <summary>Weight that its sender was promised and has not handed over.</summary>
    public long Reserved { get; set; }

    /// <summary>What of its bytes in flight the link does not count, because nothing of them has moved for long.</summary>
    public long Stuck { get; internal set; }

    /// <summary>Payload of one chunk.</summary>
    public int ChunkSize { get; private set; }

    public TimeSpan? SmoothedRtt => _rtt.Smoothed;

    /// <summary>Bytes a second that the stream delivers.</summary>
    public double Rate => Delivery.Rate;

    /// <summary>When a chunk was last handed over or reported.</summary>
    public TimeSpan LastBusy { get; private set; }

    /// <summary>Since when no sender has it, null while one has.</summary>
    public TimeSpan? FreeSince { get; set; }

    /// <summary>As much is in flight as its peer allows at all.</summary>
    public bool IsAtCap => Size == _cap && InFlight >= Size;

    /// <summary>Whether a piece may begin, as far as the stream is concerned.</summary>
    public bool HasRoom => InFlight + Reserved < Size && Credit - HandedOver >= ChunkWeight.Least;

    internal DeliveryRateEstimator Delivery { get; } = new();

    /// <summary>
    /// Payload of <paramref name="wanted"/> that the stream's own limits let pass now; 0 with the reason when none. A chunk is cut to the credit that is left
    /// rather than waited for, else a small credit and a large chunk would wait for each other for ever.
    /// </summary>
    internal int Room(int wanted, out SendHold hold)
    {
        var left = Credit - HandedOver;
        if (left < ChunkWeight.Least || (ChunkWeight.Of(wanted) > left && left < ChunkSizing.Smallest && InFlight > 0))
        {
            hold = SendHold.Credit;
            return 0;
        }

        hold = InFlight >= Size ? SendHold.Window : SendHold.None;
        return hold == SendHold.None ? (int)Math.Min(wanted, left) : 0;
    }

    internal void OnHandedOver(int weight, in DeliveryMark link, TimeSpan now)
    {
        var mark = Delivery.OnHandedOver(weight, now);
        HandedOver += weight;
        LastBusy = now;
        _sent.Push(new SentChunk(HandedOver, now, mark, link));
    }

    /// <summary>The newest chunk did not go out after all; false when the peer says that it has it, which then counts.</summary>
    internal bool TryTakeBack(int weight)
    {
        if (Received > HandedOver - weight)
        {
            return false;
        }

        HandedOver -= weight;
        Delivery.Drop(weight);
        _sent.DropNewest();
        return true;
    }

    /// <summary>Whether an honest peer can have sent these numbers.</summary>
    internal bool IsPossible(long received, long credit, ulong returns) =>
        received >= Received && received <= HandedOver && credit >= 0 && returns <= Returns && (returns < Returns || credit >= Credit);

    /// <summary>Takes a report; gives the newest chunk that it covers, if it covers one to its end.</summary>
    internal bool TryTake(long received, TimeSpan delay, TimeSpan now, out SentChunk newest)
    {
        Delivery.OnDelivered(received - Received, now);
        Received = received;
        LastBusy = now;
        if (!_sent.TryTake(received, out newest))
        {
            return false;
        }

        Delivery.Sample(newest.Stream, newest.SentAt, now);
        _rtt.Add(now - newest.SentAt - delay, now);
        return true;
    }

    /// <summary>Credit never falls but by being given back; what was said before the peer knew of that counts no more.</summary>
    internal void RaiseCredit(long credit, ulong returns)
    {
        if (returns == Returns)
        {
            Credit = Math.Max(Credit, credit);
        }
    }

    /// <summary>Gives back what is above <paramref name="kept"/> over what was handed over; the new limit.</summary>
    internal long ReturnCredit(long kept)
    {
        Returns++;
        return Credit = Math.Min(Credit, HandedOver + kept);
    }

    /// <summary>After a report of <paramref name="news"/> bytes.</summary>
    /// <param name="roundTrip">Round trip that the windows of the link reckon with.</param>
    /// <param name="networkRoundTrip">Round trip without queues, null when it is not known.</param>
    /// <param name="factor">How many times what a round trip delivers may be in flight.</param>
    /// <param name="linkPart">What a stream would deliver if all that have something in flight delivered the same.</param>
    /// <param name="fairRate">Rate that a stream gets at least.</param>
    internal void Resize(long news, TimeSpan roundTrip, TimeSpan? networkRoundTrip, double factor, double linkPart, double fairRate)
    {
        // By the link's rate, not the stream's: streams take turns chunk by chunk, and larger chunks for who is faster would make it faster still.
        ChunkSize = ChunkSizing.For(linkPart, networkRoundTrip);
        if (_isStartup && _growth.IsFlat(Delivery))
        {
            _isStartup = false;
        }

        // A stream may have a quarter more than its part of the link: which of them has it is the link's affair.
        var target = _isStartup
            ? Math.Min(Size + news, Math.Max(_options.StartWindow, (3 * Rate * roundTrip.TotalSeconds) + (2 * ChunkSize)))
            : (1.25 * factor * Math.Max(Rate, fairRate) * roundTrip.TotalSeconds) + (2 * ChunkSize);
        Size = Math.Clamp((long)Math.Min(target, _cap), Math.Min(_cap, Math.Max(Smallest, 2 * ChunkSize)), _cap);
    }

    /// <summary>What was measured is no longer true.</summary>
    internal void Restart()
    {
        Delivery.Forget();
        _rtt.Forget();
        _growth.Reset(Delivery);
        _isStartup = true;
        Size = Math.Clamp(_options.StartWindow, Smallest, _cap);
    }
}
