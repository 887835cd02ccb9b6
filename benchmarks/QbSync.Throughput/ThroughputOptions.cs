using System.Globalization;
using QbSync.Throughput.Report;

namespace QbSync.Throughput;

/// <summary>What to measure.</summary>
internal sealed record ThroughputOptions
{
    public const string Usage =
        """
        usage: QbSync.Throughput [--layers LIST] [--only TEXT] [--size MIB] [--piece MIB] [--runs N] [--folder PATH] [--recheck POLICY]
          --layers  of plain, transport, engine, clients; default plain,transport,engine
          --size    MiB that pass in a run; default 1024
          --piece   MiB of a piece; default 4
          --only    those whose name has this text
          --runs    runs of each variant, one of each in turn; default 3
          --folder  where the files go; default the system's temporary folder
          --recheck of always, auto, never: the destination's option of that name; default auto
        Ends with 1 when the transport is below what it must reach.
        """;

    public long SizeMiB { get; private set; } = 1024;

    public int PieceMiB { get; private set; } = 4;

    public int Runs { get; private set; } = 3;

    public string Folder { get; private set; } = Path.GetTempPath();

    public string Only { get; private set; } = "";

    public string Recheck { get; private set; } = "auto";

    public IReadOnlyList<Layer> Layers { get; private set; } = [Layer.Plain, Layer.Transport, Layer.Engine];

    /// <summary>The lines of the table, in their order.</summary>
    public IReadOnlyList<Variant> Variants =>
    [
        .. new Variant[]
        {
            new(Layer.Plain, IsHashing: false),
            new(Layer.Transport, IsHashing: false, IsInMemory: true),
            new(Layer.Transport, IsHashing: false),
            new(Layer.Transport, IsHashing: false, IsInMemory: true, IsEncrypted: true),
            new(Layer.Transport, IsHashing: false, IsEncrypted: true),
            new(Layer.Plain, IsHashing: true),
            new(Layer.Transport, IsHashing: true, IsInMemory: true),
            new(Layer.Transport, IsHashing: true),
            new(Layer.Transport, IsHashing: true, IsInMemory: true, IsEncrypted: true),
            new(Layer.Transport, IsHashing: true, IsEncrypted: true),
            new(Layer.Engine, IsHashing: true),
            new(Layer.Clients, IsHashing: true),
        }.Where(variant => Layers.Contains(variant.Layer) && variant.Name.Contains(Only, StringComparison.Ordinal)),
    ];

    public static ThroughputOptions? TryParse(string[] args)
    {
        var options = new ThroughputOptions();
        for (var i = 0; i < args.Length; i += 2)
        {
            if (i + 1 == args.Length)
            {
                return null;
            }

            var isNumber = int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0;
            switch (args[i])
            {
                case "--size" when isNumber:
                    options.SizeMiB = number;
                    break;
                case "--piece" when isNumber:
                    options.PieceMiB = number;
                    break;
                case "--runs" when isNumber:
                    options.Runs = number;
                    break;
                case "--folder" when Directory.Exists(args[i + 1]):
                    options.Folder = args[i + 1];
                    break;
                case "--only":
                    options.Only = args[i + 1];
                    break;
                case "--recheck" when args[i + 1] is "always" or "auto" or "never":
                    options.Recheck = args[i + 1];
                    break;
                case "--layers" when TryParseLayers(args[i + 1]) is { Count: > 0 } layers:
                    options.Layers = layers;
                    break;
                default:
                    return null;
            }
        }

        return options;
    }

    private static List<Layer>? TryParseLayers(string list)
    {
        List<Layer> layers = [];
        foreach (var name in list.Split(','))
        {
            if (!Enum.TryParse<Layer>(name, ignoreCase: true, out var layer) || !Enum.IsDefined(layer))
            {
                return null;
            }

            layers.Add(layer);
        }

        return layers;
    }
}
