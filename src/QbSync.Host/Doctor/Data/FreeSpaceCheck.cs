using QbSync.Host.Configuration;
using QbSync.Host.Reporting;
using QbSync.Storage.IO;

namespace QbSync.Host.Doctor.Data;

/// <summary>Whether there is as much free space as the configuration wants kept.</summary>
internal sealed class FreeSpaceCheck() : DoctorCheck("space.free", Roles.Both)
{
    public override async Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken)
    {
        var option = patient.Settings.Role == Roles.Source ? "min-space" : "min-free";
        var local = new LocalFiles().GetFileSystem(patient.Settings.Data)?.FreeBytes;

        // A destination watches its own disk alone; a source takes what its client says where the system tells nothing.
        var client = patient.Settings.Role == Roles.Source ? (await patient.PollAsync(cancellationToken))?.FreeBytes : null;
        return Judge(option, patient.Settings.Values.Bytes(option), local, client);
    }

    /// <param name="local">What the system says of the data folder; null when it says nothing.</param>
    /// <param name="client">What the client says; 0 and less mean that it does not know.</param>
    public static Finding Judge(string option, long least, long? local, long? client) => (local ?? (client is > 0 ? client : null)) switch
    {
        null => Finding.Warn("how much is free is not known", $"{option} cannot be kept by what nobody tells."),
        { } free when free < least => Finding.Fail(
            $"{Amounts.Bytes(free)} are free, less than {option}, {Amounts.Bytes(least)}", option == "min-free" ? "Nothing is taken in before there is more." : "Free some, or lower it."),
        { } free => Finding.Ok($"{Amounts.Bytes(free)} are free; {option} is {Amounts.Bytes(least)}"),
    };
}
