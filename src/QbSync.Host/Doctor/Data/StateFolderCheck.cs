using QbSync.Engine;
using QbSync.Host.Configuration;
using QbSync.Storage.Inspection;
using QbSync.Storage.State;

namespace QbSync.Host.Doctor.Data;

/// <summary>Whether the role could keep its state: the folder can be written, is nobody else's, and holds nothing that a newer build wrote.</summary>
internal sealed class StateFolderCheck() : DoctorCheck("state.dir", Roles.Both)
{
    public override async Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken)
    {
        var (role, folder) = (patient.Settings.Role, patient.Settings.StateDirectory);
        var state = StateLook.Of(folder, role == Roles.Destination ? patient.Settings.Data : null);
        try
        {
            await SourceState.CountTorrentsAsync(new ReadOnlyRecords(folder), cancellationToken);
        }
        catch (StorageException failure) when (failure.Fault == StorageFault.NewerState)
        {
            state = state with { Newer = folder };
        }

        // Where there is no folder yet, the one that it will be made in is tried.
        var place = folder;
        while (!Directory.Exists(place) && Path.GetDirectoryName(place) is { } above)
        {
            place = above;
        }

        return Judge(role, folder, state, FolderProbe.Run(place, patient.Time));
    }

    public static Finding Judge(Roles role, string folder, StateLook state, FolderProbe probe)
    {
        var other = role == Roles.Source ? state.StoredTorrents : state.SourceTorrents;
        return (state, probe) switch
        {
            ({ Holder: { } holder }, _) => Finding.Fail($"{folder} is in use by {holder}", "It runs already; stop it, or give this one another state-dir."),
            ({ Newer: { } newer }, _) => Finding.Fail($"{newer} was written by a newer version of QbSync", "Run that one, or give another state-dir."),
            _ when other > 0 => Finding.Fail(
                $"{folder} is the state of a {(role == Roles.Source ? "destination" : "source")}, with {other} torrents", "Give each role a state-dir of its own."),
            (_, { Fault: { } fault }) => Finding.Fail($"{folder}: {fault}", "Give this user the right to write there, or give another state-dir."),
            ({ IsInMemory: true }, _) => Finding.Warn($"{folder} is in memory", "All that is known is gone with the next start of the machine. Give a state-dir on a disk."),
            ({ Exists: false }, _) => Finding.Ok($"{folder} will be made"),
            _ => Finding.Ok($"{folder} can be written"),
        };
    }
}
