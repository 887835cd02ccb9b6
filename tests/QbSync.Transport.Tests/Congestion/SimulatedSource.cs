using QbSync.Transport.Congestion;

namespace QbSync.Transport.Tests.Congestion;

/// <summary>A source with a link's model and a sender on each of its streams. Senders that wait stand in one line, as in the pool.</summary>
internal sealed class SimulatedSource
{
    private readonly VirtualTime _time;
    private readonly Bottleneck _bottleneck;
    private readonly SimulatedDestination _destination;
    private readonly LinkedList<SimulatedSender> _line = [];
    private readonly List<SimulatedSender> _senders = [];

    public SimulatedSource(VirtualTime time, Bottleneck bottleneck, SimulatedDestination destination, int streams, CongestionOptions? options = null)
    {
        (_time, _bottleneck, _destination) = (time, bottleneck, destination);
        Model = new LinkModel(options ?? new CongestionOptions());
        Model.OnNetworkRoundTrip(bottleneck.Call(), time.Now);
        for (var i = 0; i < streams; i++)
        {
            Add();
        }

        Call();
        LookAtTcp();
        Look();
    }

    public LinkModel Model { get; }

    public IReadOnlyList<SimulatedSender> Senders => _senders;

    /// <summary>Length of the next piece.</summary>
    public Func<int> NextPiece { get; set; } = static () => 4 << 20;

    /// <summary>Bytes a second that the source has to send; 0 for as much as will go.</summary>
    public double Demand { get; set; }

    /// <summary>Whether there is nothing to send.</summary>
    public bool IsSilent { get; set; }

    /// <summary>In flight each ten milliseconds, since it was last cleared.</summary>
    public List<long> InFlight { get; } = [];

    /// <summary>Bytes that arrived.</summary>
    public long Arrived => _senders.Sum(static sender => sender.Arrived);

    public SimulatedSender Add()
    {
        var sender = new SimulatedSender();
        sender.Remote = _destination.Open((received, credit, returns, delay) => _bottleneck.Return(
            sender.Back,
            () =>
            {
                if (!sender.IsGone)
                {
                    Assert.That(Model.OnReport(sender.Window, received, credit, returns, delay, _time.Now), "an impossible report");
                    Pump();
                }
            }));
        sender.Window = Model.Add(sender.Remote.Credit, CongestionWindow.Largest, _time.Now);
        sender.PieceLeft = NextPiece();
        _senders.Add(sender);
        _line.AddLast(sender);
        Pump();
        return sender;
    }

    public void Remove(SimulatedSender sender)
    {
        sender.IsGone = true;
        _senders.Remove(sender);
        _line.Remove(sender);
        Model.Remove(sender.Window, _time.Now);
        Pump();
    }

    /// <summary>Lets all go that may, in order; who went stands behind the others again.</summary>
    public void Pump()
    {
        for (var place = _line.First; place is not null && !IsSilent;)
        {
            var sender = place.Value;
            var room = Model.Room(sender.Window, Math.Min(sender.Window.ChunkSize, sender.PieceLeft), _time.Now, out sender.Hold);
            if (room > 0)
            {
                _line.Remove(place);
                Send(sender, room);
                place = _line.First;
            }
            else if (sender.Hold == SendHold.LinkWindow)
            {
                break;
            }
            else
            {
                place = place.Next;
            }
        }

        Model.OnWaiting(_line.Any(static sender => sender.Hold >= SendHold.Window), _time.Now);
        if (Model.NextChange is { } change && change > _time.Now)
        {
            _time.At(change, Pump);
        }
    }

    private void Send(SimulatedSender sender, int bytes)
    {
        Assert.That(Model.InFlight, Is.LessThan(Model.Size));
        Assert.That(sender.Window.InFlight, Is.LessThan(sender.Window.Size));
        Model.OnSenderCame(sender.Window, _time.Now);
        Model.OnHandedOver(sender.Window, ChunkWeight.Of(bytes), _time.Now);
        Assert.That(sender.Window.HandedOver, Is.LessThanOrEqualTo(sender.Window.Credit));
        sender.PieceLeft -= bytes;
        _bottleneck.Send(bytes, sender.Out, () =>
        {
            if (sender.IsCut)
            {
                return;
            }

            sender.Arrived += sender.IsGone ? 0 : bytes;
            sender.Remote.Take(bytes);
        });
        var isPieceOver = sender.PieceLeft == 0;
        sender.PieceLeft = isPieceOver ? NextPiece() : sender.PieceLeft;
        if (Demand > 0)
        {
            // The next bytes are there when the source's own rate has made them.
            sender.Window.FreeSince = _time.Now;
            sender.IsSupplied = false;
            _time.In(TimeSpan.FromSeconds(bytes * _senders.Count / Demand), () => Supply(sender));
        }
        else
        {
            _line.AddLast(sender);
        }
    }

    /// <summary>From now on there is as much to send as will go.</summary>
    public void BeGreedy()
    {
        Demand = 0;
        _senders.ForEach(Supply);
    }

    private void Supply(SimulatedSender sender)
    {
        if (!sender.IsGone && !sender.IsSupplied)
        {
            sender.IsSupplied = true;
            Model.OnSenderCame(sender.Window, _time.Now);
            _line.AddLast(sender);
            Pump();
        }
    }

    private void Call()
    {
        Model.OnNetworkRoundTrip(_bottleneck.Call(), _time.Now);
        _time.In(TimeSpan.FromSeconds(1), Call);
    }

    /// <summary>As TCP would say: with something to send it would have kept a queue at the bottleneck.</summary>
    private void LookAtTcp()
    {
        Model.OnTcpLimits(_bottleneck.Queued < 0.5 * _bottleneck.BytesPerSecond * Math.Max(_bottleneck.RoundTrip.TotalSeconds, 0.05), _time.Now);
        _time.In(TimeSpan.FromMilliseconds(200), LookAtTcp);
    }

    private void Look()
    {
        InFlight.Add(Model.InFlight);
        _time.In(TimeSpan.FromMilliseconds(10), Look);
    }
}

/// <summary>A stream and who sends on it.</summary>
internal sealed class SimulatedSender
{
    public SendHold Hold;

    public CongestionWindow Window { get; set; } = null!;

    public SimulatedDestination.Stream Remote { get; set; } = null!;

    public Lane Out { get; } = new();

    public Lane Back { get; } = new();

    public int PieceLeft { get; set; }

    public long Arrived { get; set; }

    public bool IsGone { get; set; }

    /// <summary>The source has the next bytes for it.</summary>
    public bool IsSupplied { get; set; } = true;

    /// <summary>Nothing of it arrives any more.</summary>
    public bool IsCut { get; set; }
}
