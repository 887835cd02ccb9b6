using QbSync.Host.Configuration;
using QbSync.Storage.Inspection;

namespace QbSync.Host.Doctor.Data;

/// <summary>Whether the data folder takes the names that torrents have.</summary>
internal sealed class DataNamesCheck() : DoctorCheck("data.names", Roles.Destination)
{
    public override Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken) => Task.FromResult(Judge(patient.DataProbe));

    public static Finding Judge(FolderProbe probe) => probe switch
    {
        { Fault: not null } => Finding.Skip("nothing can be written there"),
        { TakesLongNames: false } => Finding.Warn("names of more than 143 bytes are refused", "Torrents with such names will fail. Encrypted folders do that; use another."),
        { FoldsCase: true } => Finding.Warn("names that differ in case are one", "Torrents with two such files will fail."),
        _ => Finding.Ok("long names are taken, and case counts"),
    };
}
