using QbSync.Host.Configuration;
using QbSync.Storage.Inspection;

namespace QbSync.Host.Doctor.Data;

/// <summary>Whether the data folder is the one that the state knows, and not the empty folder below a disk that is not mounted.</summary>
internal sealed class DataMarkerCheck() : DoctorCheck("data.marker", Roles.Destination)
{
    public override Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken) =>
        Task.FromResult(Judge(StateLook.Of(patient.Settings.StateDirectory, patient.Settings.Data), patient.Settings.Data));

    public static Finding Judge(StateLook state, string data) => (state.Root, state.StoredTorrents) switch
    {
        (RootMatch.NoMarker, > 0) => Finding.Fail(
            $"{data} {(state.IsRootEmpty ? "is empty" : "has no marker")}, while the state knows {state.StoredTorrents} torrents in it", "Is its disk mounted?"),
        (RootMatch.Other, > 0) => Finding.Fail($"{data} is the data folder of another state", "Mount the right disk, or give the state-dir that belongs to it."),
        (RootMatch.NoMarker, _) => Finding.Warn($"{data} has no marker yet", "It gets one at the first start. If there was one already, its disk is not mounted."),
        _ => Finding.Ok($"{data} is marked as ours"),
    };
}
