using System.Globalization;
using QbSync.Throughput;

if (args is [RoleProcess.Verb, .. var rest])
{
    return await RoleProcess.RunAsync(rest);
}

if (ThroughputOptions.TryParse(args) is not { } options)
{
    Console.Error.WriteLine(ThroughputOptions.Usage);
    return 2;
}

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var folder = Directory.CreateTempSubdirectory("qbsync-throughput-").FullName;
try
{
    Console.WriteLine($"{options.SizeMiB} MiB in pieces of {options.PieceMiB} MiB, {(options.RealClients ? "two qBittorrents" : "folder clients")}, two processes over loopback.");
    Console.WriteLine("run   stream    whole   CPU s/GiB        alloc MiB/GiB    peak MiB         gen2      wire/payload");
    Console.WriteLine("       MiB/s    MiB/s   source  dest.    source  dest.    source  dest.    src  dst");
    var measurement = new Measurement(options, folder);
    var gib = options.SizeMiB / 1024.0;
    for (var run = 1; run <= options.Runs; run++)
    {
        var (source, destination) = await measurement.RunAsync(run);
        Console.WriteLine(
            $"{run,3}  {options.SizeMiB / source.StreamSeconds,7:0}  {options.SizeMiB / source.Seconds,7:0}  {source.CpuSeconds / gib,7:0.00} {destination.CpuSeconds / gib,6:0.00}  "
            + $"{source.AllocatedBytes / gib / (1 << 20),8:0} {destination.AllocatedBytes / gib / (1 << 20),6:0}  {source.PeakMemoryBytes >> 20,8} {destination.PeakMemoryBytes >> 20,6}  "
            + $"{source.Gen2Collections,5} {destination.Gen2Collections,4}  {source.WireBytes / (options.SizeMiB << 20),8:0.000}");
    }

    return 0;
}
finally
{
    Directory.Delete(folder, recursive: true);
}
