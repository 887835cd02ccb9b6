using System.Globalization;

namespace QbSync.ProcessTests;

/// <summary>How much is done, by environment; and chance, whose seed is printed.</summary>
internal static class Settings
{
    public static int Kills { get; } = Read("QBSYNC_KILLS", 12);

    public static int Cuts { get; } = Read("QBSYNC_CUTS", 6);

    public static Random NewRandom()
    {
        var seed = Read("QBSYNC_SEED", Random.Shared.Next(1, 1_000_000));
        TestContext.Out.WriteLine($"QBSYNC_SEED={seed.ToString(CultureInfo.InvariantCulture)}");
        return new Random(seed);
    }

    private static int Read(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
