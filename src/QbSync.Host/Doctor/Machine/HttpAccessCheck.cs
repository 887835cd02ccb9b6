using QbSync.Host.Configuration;

namespace QbSync.Host.Doctor.Machine;

/// <summary>Whether strangers could read the status page.</summary>
internal sealed class HttpAccessCheck() : DoctorCheck("http.access", Roles.Both)
{
    public override Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken)
    {
        var values = patient.Settings.Values;
        return Task.FromResult(Judge(patient.Settings.HealthAddress, values.Flag("http-open"), !values.Secret("http-token").IsEmpty));
    }

    public static Finding Judge(HostPort? address, bool isOpen, bool hasToken) => address switch
    {
        null => Finding.Ok("there is no status page"),
        { IsLoopback: true } => Finding.Ok($"{address} is for this machine alone"),
        _ when hasToken => Finding.Ok($"{address} asks for the token"),
        _ when isOpen => Finding.Warn($"{address} shows names of torrents to whoever asks", "Set http-token, or leave http-open out."),
        _ => Finding.Ok($"{address} shows page and API to this machine alone"),
    };
}
