using System.Globalization;
using QbSync.Throughput;
using QbSync.Throughput.Engine;
using QbSync.Throughput.Measuring;
using QbSync.Throughput.Plain;
using QbSync.Throughput.Report;
using QbSync.Throughput.Transport;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is [PlainSource.Kind or TransportSource.Kind or EngineRole.Source, ..])
{
    Parent.Listen(endsWithInput: true);
}
else if (args is [PlainDestination.Kind or TransportDestination.Kind or EngineRole.Destination, ..])
{
    Parent.Listen(endsWithInput: false);
}

switch (args)
{
    case [PlainSource.Kind, .. var rest]:
        return PlainSource.Run(rest);
    case [PlainDestination.Kind, .. var rest]:
        return await PlainDestination.RunAsync(rest);
    case [TransportSource.Kind, .. var rest]:
        return await TransportSource.RunAsync(rest);
    case [TransportDestination.Kind, .. var rest]:
        return await TransportDestination.RunAsync(rest);
    case [EngineRole.Source or EngineRole.Destination, ..]:
        return await EngineRole.RunAsync(args);
}

if (ThroughputOptions.TryParse(args) is not { } options)
{
    Console.Error.WriteLine(ThroughputOptions.Usage);
    return 2;
}

var folder = Directory.CreateDirectory(Path.Combine(options.Folder, $"qbsync-throughput-{Environment.ProcessId}")).FullName;
try
{
    Console.WriteLine($"{options.SizeMiB} MiB in pieces of {options.PieceMiB} MiB, two processes over loopback, medians of {options.Runs}.");
    var file = new TestFile(folder, options.PieceMiB << 20, (int)(options.SizeMiB / options.PieceMiB));
    if (options.Variants.Any(static variant => variant.Layer is Layer.Plain or Layer.Transport))
    {
        file.Make();
    }

    var trust = new LayerTrust(folder);
    await trust.MakeAsync();
    var layers = new LayerRun(file, trust);
    var engine = new EngineRun(options, folder);
    var results = options.Variants.ToDictionary(static variant => variant, _ => new Runs(options.SizeMiB));
    for (var run = 1; run <= options.Runs; run++)
    {
        foreach (var (variant, runs) in results)
        {
            var result = variant.Layer is Layer.Plain or Layer.Transport
                ? await layers.RunAsync(variant)
                : await engine.RunAsync(variant.Layer);
            runs.Add(result);
            Console.Error.WriteLine($"  {run} {variant.Name}: {options.SizeMiB / result.Source.Seconds:0} MiB/s, {result.CpuSeconds * 1024 / options.SizeMiB:0.00} CPU s/GiB");
        }
    }

    Table.Print(Console.Out, results);
    return Goals.Check(Console.Out, results) ? 0 : 1;
}
finally
{
    Directory.Delete(folder, recursive: true);
}
