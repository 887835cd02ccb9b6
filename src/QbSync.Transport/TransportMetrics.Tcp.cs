using System.Globalization;
using Prometheus;
using QbSync.MetricFamilies;

namespace QbSync.Transport;

/// <summary>What TCP tells of data connections. A slot without a socket has no series, nor has any where TCP tells nothing.</summary>
internal sealed partial class TransportMetrics
{
    private static Action<ILinkState[]> CollectTcp(IMetricFactory factory, ScrapedOwner scraped)
    {
        var gate = new Lock();
        var roundTrip = scraped.Add(factory.CreateGauge(
            "qbsync_tcp_smoothed_rtt_seconds", "Round trip of a data connection as TCP smooths it", ["connection"]));
        var algorithm = scraped.Add(factory.CreateGauge(
            "qbsync_tcp_congestion_info", "TCP congestion control of a data connection, always 1", ["connection", "algorithm"]));
        return links =>
        {
            // Scrapes overlap: what one adds the other must not remove as unknown.
            lock (gate)
            {
                var slots = new HashSet<string>();
                var infos = new HashSet<(string, string)>();
                foreach (var connection in links.SelectMany(static link => link.Connections))
                {
                    var slot = connection.Slot.ToString(CultureInfo.InvariantCulture);
                    slots.Add(slot);
                    infos.Add((slot, connection.Congestion));
                    roundTrip.WithLabels(slot).Set(connection.RoundTrip.TotalSeconds);
                    algorithm.WithLabels(slot, connection.Congestion).Set(1);
                }

                foreach (var labels in roundTrip.GetAllLabelValues().Where(labels => !slots.Contains(labels[0])).ToList())
                {
                    roundTrip.RemoveLabelled(labels);
                }

                foreach (var labels in algorithm.GetAllLabelValues().Where(labels => !infos.Contains((labels[0], labels[1]))).ToList())
                {
                    algorithm.RemoveLabelled(labels);
                }
            }
        };
    }
}
