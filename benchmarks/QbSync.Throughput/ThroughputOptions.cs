using System.Globalization;

namespace QbSync.Throughput;

/// <summary>What to measure.</summary>
internal sealed record ThroughputOptions
{
    public long SizeMiB { get; private set; } = 2048;

    public int PieceMiB { get; private set; } = 4;

    public int Runs { get; private set; } = 3;

    public bool RealClients { get; private set; }

    public const string Usage = "usage: QbSync.Throughput [--size MIB] [--piece MIB] [--runs N] [--client folder|qbittorrent]";

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
                case "--client" when args[i + 1] is "folder" or "qbittorrent":
                    options.RealClients = args[i + 1] == "qbittorrent";
                    break;
                default:
                    return null;
            }
        }

        return options;
    }
}
