using QbSync.Host.Configuration;

namespace QbSync.Host.Doctor.Client;

/// <summary>Whether anything answers where the client is said to be, and how fast.</summary>
internal sealed class ClientReachableCheck() : DoctorCheck("client.reachable", Roles.Both)
{
    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(500);

    public override Finding Late => Finding.Fail($"no answer within {DoctorRunner.Longest.TotalSeconds} s", "Is qBittorrent running, and qb-url its address?");

    public override async Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken) =>
        patient.Settings.Client == ClientKind.QBittorrent
            ? Judge((await patient.AskClientAsync(cancellationToken))!, patient.Settings.Values.Url("qb-url")!)
            : Finding.Skip(patient.Settings.Client == ClientKind.None ? "there is no client: files are kept, and no source may delete" : "client=folder asks nobody");

    public static Finding Judge(ClientAnswer answer, Uri url) => answer.Failure switch
    {
        null when answer.Latency > Slow => Finding.Warn(
            $"{url} needs {answer.Latency.TotalMilliseconds:0} ms for one small call", "Pieces are found late. Is the machine, or the way to it, busy?"),
        null => Finding.Ok($"{url} answers in {answer.Latency.TotalMilliseconds:0} ms"),
        { Fault: ClientFault.Unreachable or ClientFault.Timeout or ClientFault.Untrusted } failure => Finding.Fail(
            failure.Message,
            failure.Fault == ClientFault.Untrusted ? "Give qb-ca-file or qb-tls-fingerprint. See: docs/client.md." : "Is qBittorrent running, and qb-url its address?"),
        _ => Finding.Ok($"{url} answers"),
    };
}
