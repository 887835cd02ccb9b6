using System.Net;
using QbSync.Host.Configuration;

namespace QbSync.Host.Doctor.Client;

/// <summary>Whether the client lets us in.</summary>
internal sealed class ClientLoginCheck() : DoctorCheck("client.login", Roles.Both)
{
    public override async Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken)
    {
        var values = patient.Settings.Values;
        return patient.Settings.Client == ClientKind.QBittorrent
            ? Judge((await patient.AskClientAsync(cancellationToken))!, values.Url("qb-url")!, HasCredentials(values))
            : Finding.Skip("no login is needed");
    }

    public static Finding Judge(ClientAnswer answer, Uri url, bool hasCredentials) => answer.Failure switch
    {
        null when !hasCredentials && !IsLoopback(url) => Finding.Warn(
            $"{url} lets everybody in who asks from here", "Whoever reaches it may change and delete everything: set a password there, and qb-username and qb-password here."),
        null or { Fault: ClientFault.Unsupported } => Finding.Ok(hasCredentials ? "the credentials are accepted" : "no login is asked for"),
        { Fault: ClientFault.Unauthorized or ClientFault.Banned or ClientFault.Forbidden } failure => Finding.Fail(
            failure.Message,
            failure.Fault == ClientFault.Banned ? "Wait an hour, or restart qBittorrent; then give the right password." : "Correct qb-username and qb-password, or qb-api-key."),
        { Fault: ClientFault.HostRefused or ClientFault.Redirected or ClientFault.NotAWebApi } failure => Finding.Fail(failure.Message, "See: docs/client.md."),
        _ => Finding.Skip("the client did not answer"),
    };

    private static bool HasCredentials(OptionValues values) =>
        values.TextOrNull("qb-username") is not null || !values.Secret("qb-api-key").IsEmpty || !values.Secret("qb-basic-auth").IsEmpty;

    private static bool IsLoopback(Uri url) => url.IsLoopback || (IPAddress.TryParse(url.Host, out var address) && IPAddress.IsLoopback(address));
}
