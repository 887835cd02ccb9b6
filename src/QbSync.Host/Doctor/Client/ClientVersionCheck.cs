using QbSync.Host.Configuration;
using QbSync.QBittorrent.Versions;

namespace QbSync.Host.Doctor.Client;

/// <summary>Whether the client's version is one that we know, and has the calls that this role needs.</summary>
internal sealed class ClientVersionCheck() : DoctorCheck("client.version", Roles.Both)
{
    public override async Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken)
    {
        var settings = patient.Settings;
        return settings.Client == ClientKind.QBittorrent
            ? Judge((await patient.AskClientAsync(cancellationToken))!, settings.Role == Roles.Source && settings.Values.TextOrNull("qb-torrents-dir") is null)
            : Finding.Skip("there is no qBittorrent");
    }

    /// <param name="needsExport">Whether the client has to give .torrent files, since nothing else does.</param>
    public static Finding Judge(ClientAnswer answer, bool needsExport)
    {
        if (answer.Failure is { Fault: ClientFault.Unsupported } failure)
        {
            return Finding.Fail(failure.Message, "Update qBittorrent: 4.2 is the oldest that will do.");
        }

        if (answer.Description is not { } client)
        {
            return Finding.Skip("the client did not let us in");
        }

        if (needsExport && !client.Capabilities.ExportsManifests)
        {
            return Finding.Fail($"{client.Product} does not give .torrent files", "Set qb-torrents-dir to its folder BT_backup, or update it to 4.5 or later.");
        }

        return WebApiVersions.TryParse(client.ApiVersion, out var version) && version > WebApiVersions.NewestMeasured
            ? Finding.Warn(
                $"{client.Product} (WebAPI {client.ApiVersion}) is newer than {WebApiVersions.NewestMeasured}, the newest that this build was measured with",
                "It will most likely do. Is there a newer QbSync?")
            : Finding.Ok($"{client.Product}, WebAPI {client.ApiVersion}, libtorrent {client.LibraryVersion}");
    }
}
