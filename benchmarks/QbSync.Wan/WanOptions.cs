using System.Globalization;
using QbSync.Testing.Networks;

namespace QbSync.Wan;

/// <summary>What to measure.</summary>
internal sealed record WanOptions
{
    public const string Usage =
        "usage: QbSync.Wan [--link MBIT/MS[/LOSS%[/JITTER_MS]]]... [--congestion cubic|bbr|auto]... [--runs N] [--seconds S] [--warm-up S] [--flows N] [--piece KIB]\n"
        + "                  [--what ceiling|flows|qbsync]... [--set OPTION=VALUE]... [--trace 1]";

    private static readonly string[] Table = ["100/50", "500/100", "100/100/1", "20/600"];

    public IReadOnlyList<LinkShape> Links { get; init; } = [];

    public IReadOnlyList<string> Congestion { get; init; } = [];

    public IReadOnlyList<string> What { get; init; } = [];

    /// <summary>Options of the transport, name and value.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    public int Runs { get; init; }

    public int Seconds { get; init; }

    /// <summary>Not measured at the beginning of a run; longer where the round trip is.</summary>
    public int WarmUp { get; init; }

    /// <summary>Flows of plain TCP; 0 is as many as the transport settled on.</summary>
    public int Flows { get; init; }

    /// <summary>Whether to say each second how it goes.</summary>
    public bool Trace { get; init; }

    public int PieceBytes { get; init; }

    public static WanOptions? TryParse(string[] args)
    {
        Dictionary<string, List<string>> given = [];
        foreach (var pair in args.Chunk(2))
        {
            if (pair.Length < 2 || pair[0] is not ("--link" or "--congestion" or "--runs" or "--seconds" or "--warm-up" or "--flows" or "--piece" or "--what" or "--set" or "--trace"))
            {
                return null;
            }

            if (!given.TryGetValue(pair[0], out var values))
            {
                given.Add(pair[0], values = []);
            }

            values.Add(pair[1]);
        }

        return new WanOptions
        {
            Links = [.. Values("--link", Table).Select(ReadLink)],
            Congestion = Values("--congestion", "cubic", "bbr", "auto"),
            What = Values("--what", "ceiling", "flows", "qbsync"),
            Settings = [.. Values("--set").SelectMany(static setting => setting.Split('=', 2))],
            Runs = Number("--runs", 3),
            Seconds = Number("--seconds", 20),
            WarmUp = Number("--warm-up", 5),
            Trace = Number("--trace", 0) > 0,
            Flows = Number("--flows", 0),
            PieceBytes = Number("--piece", 4096) << 10,
        };

        IReadOnlyList<string> Values(string name, params string[] otherwise) => given.TryGetValue(name, out var values) ? values : otherwise;

        int Number(string name, int otherwise) => given.TryGetValue(name, out var values) ? int.Parse(values[^1], CultureInfo.InvariantCulture) : otherwise;
    }

    private static LinkShape ReadLink(string text)
    {
        var numbers = text.Split('/').Select(static part => double.Parse(part, CultureInfo.InvariantCulture)).ToList();
        return new LinkShape
        {
            BitsPerSecond = (long)(numbers[0] * 1e6),
            RoundTrip = TimeSpan.FromMilliseconds(numbers[1]),
            Loss = numbers.ElementAtOrDefault(2) / 100,
            Jitter = TimeSpan.FromMilliseconds(numbers.ElementAtOrDefault(3)),
        };
    }
}
