using QbSync.Host.Configuration;

namespace QbSync.Host.Doctor.Peer;

/// <summary>Whether both machines have one time.</summary>
internal sealed class PeerClockCheck() : DoctorCheck("peer.clock", Roles.Source)
{
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(30);

    public override Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken) => Task.FromResult(
        patient.Peer switch
        {
            null => Finding.Skip("the destination did not answer"),
            { Skew: { } skew } => Judge(skew),
            _ => Finding.Skip("the destination does not tell its time"),
        });

    /// <summary>How far another clock is before ours at least: what it showed may be of any moment between question and answer. Zero when it may be right.</summary>
    public static TimeSpan Skew(DateTimeOffset asked, DateTimeOffset shown, DateTimeOffset answered) =>
        shown < asked ? shown - asked : shown > answered ? shown - answered : TimeSpan.Zero;

    public static Finding Judge(TimeSpan skew) => skew.Duration() > Most
        ? Finding.Warn(
            $"the destination's clock is {Math.Round(skew.Duration().TotalSeconds)} s {(skew > TimeSpan.Zero ? "ahead of" : "behind")} this one",
            "Let both machines set their clocks (NTP): certificates, ages and logs go by them.")
        : Finding.Ok($"the clocks differ by {skew.Duration().TotalSeconds:0.0} s at least");
}
