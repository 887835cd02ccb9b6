using System.Globalization;
using QbSync.Testing.Networks;
using QbSync.Wan;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is [Flows.SinkVerb or Flows.SourceVerb or DestinationRole.Verb or SourceRole.Verb, ..])
{
    NetworkNamespace.Settle();
}

switch (args)
{
    case [Flows.SinkVerb]:
        await Flows.SinkAsync();
        return 0;
    case [Flows.SourceVerb, .. var rest]:
        await Flows.SourceAsync(rest);
        return 0;
    case [DestinationRole.Verb, .. var rest]:
        await DestinationRole.RunAsync(rest);
        return 0;
    case [SourceRole.Verb, .. var rest]:
        await SourceRole.RunAsync(rest);
        return 0;
}

if (WanOptions.TryParse(args) is not { } options)
{
    Console.Error.WriteLine(WanOptions.Usage);
    return 2;
}

if (WanLink.FindObstacle() is { } obstacle)
{
    Console.WriteLine($"Not measured: {obstacle}.");
    return 0;
}

await Report.PrintAsync(options);
return 0;
