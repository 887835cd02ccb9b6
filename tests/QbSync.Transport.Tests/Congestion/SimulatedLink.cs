using QbSync.Transport.Congestion;

namespace QbSync.Transport.Tests.Congestion;

/// <summary>A bottleneck with a queue and a delay, in virtual time: chunks leave one after another, reports come back a round trip later, in order.</summary>
internal sealed class SimulatedLink(double bytesPerSecond, TimeSpan roundTrip)
{
    private readonly Queue<(TimeSpan At, long Received)> _reports = [];
    private TimeSpan _freeAt;
    private long _arriving;

    public TimeSpan Now { get; private set; }

    public double BytesPerSecond { get; set; } = bytesPerSecond;

    /// <summary>Bytes that arrived by <see cref="Now"/>.</summary>
    public long Delivered { get; private set; }

    public long LargestInFlight { get; private set; }

    /// <summary>Sends as much as the window lets until <paramref name="until"/>.</summary>
    public void RunUntil(CongestionWindow window, TimeSpan until)
    {
        while (Now < until)
        {
            if (window.Room(window.ChunkSize, out _) is > 0 and var length)
            {
                Send(window, length);
            }
            else
            {
                TakeReport(window);
            }
        }
    }

    /// <summary>Nothing is sent until then; what is in flight is reported.</summary>
    public void Idle(CongestionWindow window, TimeSpan duration)
    {
        var until = Now + duration;
        while (_reports.TryPeek(out var report) && report.At <= until)
        {
            TakeReport(window);
        }

        Now = until;
    }

    private void Send(CongestionWindow window, int length)
    {
        window.OnHandedOver(ChunkWeight.Of(length), Now);
        LargestInFlight = Math.Max(LargestInFlight, window.InFlight);
        _freeAt = (_freeAt > Now ? _freeAt : Now) + TimeSpan.FromSeconds(length / BytesPerSecond);
        _arriving += length;
        _reports.Enqueue((_freeAt + roundTrip, _arriving));
    }

    private void TakeReport(CongestionWindow window)
    {
        var (at, received) = _reports.Dequeue();
        Now = at;
        Delivered = received;
        Assert.That(window.OnReport(received, long.MaxValue, TimeSpan.Zero, Now), Is.True);
    }
}
