using QbSync.Host.Configuration;
using QbSync.Storage.Inspection;

namespace QbSync.Host.Doctor.Data;

/// <summary>Whether a file that is there already can be linked instead of received.</summary>
internal sealed class DataLinkCheck() : DoctorCheck("data.link", Roles.Destination)
{
    public override Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken) => Task.FromResult(Judge(patient.DataProbe));

    public static Finding Judge(FolderProbe probe) => probe switch
    {
        { Fault: not null } => Finding.Skip("nothing can be written there"),
        { Links: false } => Finding.Warn("the data folder has no hard links", "Each file of two torrents is received and kept twice. Set hardlinks=false to say that this is meant."),
        _ => Finding.Ok("files can have a second name"),
    };
}
