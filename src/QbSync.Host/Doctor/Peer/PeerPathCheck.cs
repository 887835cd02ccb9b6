using System.Globalization;
using QbSync.Host.Configuration;
using QbSync.Host.Reporting;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Host.Doctor.Peer;

/// <summary>Whether the way to the destination is even, and both systems let enough bytes be on it.</summary>
internal sealed class PeerPathCheck() : DoctorCheck("peer.path", Roles.Source)
{
    private const int Samples = 21;
    private const int Uneven = 4;
    private const long WantedRate = 100_000_000;
    private const string SendBuffers = "/proc/sys/net/ipv4/tcp_wmem";

    // Below it the time is the processors', not the way's.
    private static readonly TimeSpan LeastSpread = TimeSpan.FromMilliseconds(20);

    public override async Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken)
    {
        if (patient.Peer is not { } peer)
        {
            return Finding.Skip("the destination did not answer");
        }

        var request = new StatusRequest([InfoHash.Parse(new string('0', 40))], WithBitmaps: false);
        List<TimeSpan> times = [];
        while (times.Count < Samples)
        {
            var began = patient.Time.GetTimestamp();
            await patient.Destination.GetStatusAsync(peer.Caller, request, cancellationToken);
            times.Add(patient.Time.GetElapsedTime(began));
        }

        var seen = Way(times, peer.Way?.LargestWindow, ReadSendBuffer());
        patient.RoundTrip = seen.Median;
        return Judge(seen);
    }

    /// <summary>What was seen of the way.</summary>
    /// <param name="Window">The most that the destination can ever say it has room for; null where it is not known.</param>
    /// <param name="SendBuffer">The most that this system keeps of what is not acknowledged; null where it is not known.</param>
    internal sealed record Seen(TimeSpan Median, TimeSpan Percentile95, long? Window, long? SendBuffer);

    public static Seen Way(IEnumerable<TimeSpan> times, long? window, long? sendBuffer)
    {
        var sorted = times.Order().ToList();
        return new Seen(sorted[sorted.Count / 2], sorted[Math.Min(sorted.Count - 1, (int)Math.Ceiling(sorted.Count * 0.95) - 1)], window, sendBuffer);
    }

    public static Finding Judge(Seen way)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"round trip {way.Median.TotalMilliseconds:0.0} ms, 95 % within {way.Percentile95.TotalMilliseconds:0.0} ms");
        var wanted = (long)(WantedRate * way.Median.TotalSeconds);
        return way switch
        {
            { Window: { } window } when window < wanted => Finding.Warn(
                $"{text}; the destination has room for {Amounts.Bytes(window)} on the way, and 100 MB/s need {Amounts.Bytes(wanted)}",
                $"At the destination: sysctl -w net.ipv4.tcp_rmem=\"4096 131072 {wanted * 2}\""),
            { SendBuffer: { } buffer } when buffer < wanted => Finding.Warn(
                $"{text}; this system keeps {Amounts.Bytes(buffer)} of what is on the way, and 100 MB/s need {Amounts.Bytes(wanted)}",
                $"Here: sysctl -w net.ipv4.tcp_wmem=\"4096 65536 {wanted * 2}\""),
            _ when way.Percentile95 > way.Median * Uneven && way.Percentile95 - way.Median > LeastSpread => Finding.Warn(
                text, "The way is uneven: another transfer fills it, or it is a radio link. Rates will go up and down."),
            _ => Finding.Ok(text),
        };
    }

    private static long? ReadSendBuffer() =>
        File.Exists(SendBuffers) && File.ReadAllText(SendBuffers).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is [_, _, var most]
            && long.TryParse(most, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : null;
}
