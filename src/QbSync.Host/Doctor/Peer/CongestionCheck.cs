using QbSync.Host.Configuration;

namespace QbSync.Host.Doctor.Peer;

/// <summary>Whether the system's congestion control suits the way: on a long one cubic needs minutes to fill it after a loss.</summary>
internal sealed class CongestionCheck() : DoctorCheck("tcp.congestion", Roles.Source)
{
    private const string Folder = "/proc/sys/net/ipv4/";
    private static readonly TimeSpan LongWay = TimeSpan.FromMilliseconds(50);

    public override Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken) => Task.FromResult(
        (patient.RoundTrip, Read("tcp_congestion_control"), Read("tcp_available_congestion_control")) switch
        {
            (null, _, _) => Finding.Skip("the round trip is not known"),
            (_, [var used], { } available) => Judge(patient.RoundTrip.Value, used, available),
            _ => Finding.Skip("the system does not tell"),
        });

    public static Finding Judge(TimeSpan roundTrip, string used, IReadOnlyList<string> available) =>
        used == "cubic" && roundTrip > LongWay && available.Contains("bbr")
            ? Finding.Warn($"{used} over a way of {roundTrip.TotalMilliseconds:0} ms, and bbr is available", "sysctl -w net.ipv4.tcp_congestion_control=bbr")
            : Finding.Ok($"{used}; available: {string.Join(", ", available)}");

    private static string[]? Read(string name) =>
        File.Exists(Folder + name) ? File.ReadAllText(Folder + name).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) : null;
}
