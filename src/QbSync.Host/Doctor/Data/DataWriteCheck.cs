using QbSync.Host.Configuration;
using QbSync.Storage.Inspection;

namespace QbSync.Host.Doctor.Data;

/// <summary>Whether files can be made, written, renamed and flushed in the data folder.</summary>
internal sealed class DataWriteCheck() : DoctorCheck("data.write", Roles.Destination)
{
    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(250);

    public override Finding Late => Finding.Fail($"writing took longer than {DoctorRunner.Longest.TotalSeconds} s", "Does its device hang? See the system's log.");

    public override Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken) =>
        Task.FromResult(Judge(patient.DataProbe, patient.Settings.Data));

    public static Finding Judge(FolderProbe probe, string data) => probe switch
    {
        { Fault: { } fault } => Finding.Fail($"{data}: {fault}", "Give this user the right to write there, and look whether its file system is read-only or full."),
        { Remains: { } remains } => Finding.Warn($"{remains} was made and could not be removed", "Remove it."),
        { FlushesFolders: false } => Finding.Warn($"{data}: folders cannot be flushed, so a new file may lose its name in a power cut", "Use a local file system if you can."),
        _ when probe.LongestFlush > Slow => Finding.Warn(
            $"{data}: a flush took {probe.LongestFlush.TotalMilliseconds:0} ms", "Receiving will be slow. Is the device busy, or does it spin up?"),
        _ => Finding.Ok($"{data}: written, renamed and flushed in {probe.LongestFlush.TotalMilliseconds:0} ms"),
    };
}
