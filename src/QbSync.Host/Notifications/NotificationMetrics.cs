using Prometheus;

namespace QbSync.Host.Notifications;

/// <summary>How a delivery ended.</summary>
internal enum DeliveryEnd
{
    /// <summary>The receiver took it.</summary>
    Delivered,

    /// <summary>The receiver does not take such a thing.</summary>
    Refused,

    /// <summary>The receiver could not be told in all tries.</summary>
    Failed,

    /// <summary>The oldest of too many, or of a receiver that is configured no more.</summary>
    Dropped,

    /// <summary>The role stopped before.</summary>
    Unsent,
}

/// <summary>Families of notifications.</summary>
internal sealed class NotificationMetrics
{
    private readonly Counter _ends;
    private readonly Counter _tries;
    private readonly Gauge _depth;
    private readonly string _mode;

    public NotificationMetrics(IMetricFactory factory, string mode)
    {
        _mode = mode;
        _ends = factory.CreateCounter("qbsync_notifications_total", "Notifications that ended, by receiver: taken or not", ["mode", "channel", "result"]);
        _tries = factory.CreateCounter("qbsync_notification_tries_total", "Requests sent and programs started to tell receivers", ["mode", "channel"]);
        _depth = factory.CreateGauge("qbsync_notification_queue_depth", "Notifications that wait for their turn or for another try", ["mode", "channel"]);
    }

    /// <summary>Those of one channel, all there at 0.</summary>
    public Channel Of(string channel) => new(
        [.. Enum.GetValues<DeliveryEnd>().Select(end => _ends.WithLabels(_mode, channel, end.ToString().ToLowerInvariant()))],
        _tries.WithLabels(_mode, channel),
        _depth.WithLabels(_mode, channel));

    /// <summary>Of webhooks, or of hooks. Thread-safe.</summary>
    internal sealed class Channel(Counter.Child[] ends, Counter.Child tries, Gauge.Child depth)
    {
        public void Ended(DeliveryEnd end, int count = 1) => ends[(int)end].Inc(count);

        public void Tried() => tries.Inc();

        public void Waiting(int count) => depth.Set(count);
    }
}
