namespace QbSync.Transport;

/// <summary>How the windows of a link are sized. The defaults suit loopback and continents alike.</summary>
public sealed class CongestionOptions
{
    /// <summary>Window of a stream that has measured nothing yet.</summary>
    /// <value>512 KiB; 64 KiB to 16 MiB.</value>
    public int StartWindow { get; set; } = 512 * 1024;

    /// <summary>A window is so many times what the link delivers in a round trip.</summary>
    /// <value>2.0; 1.2 to 4.</value>
    public double Factor { get; set; } = 2.0;

    /// <summary>How far <see cref="Factor"/> may be raised where the link turns out to carry more.</summary>
    /// <value>8.0; <see cref="Factor"/> to 16.</value>
    public double FactorMax { get; set; } = 8.0;

    /// <summary>How long a link sends before it lets its queues drain for a moment, to see how long the way is without them.</summary>
    /// <value>30 s; 5 s to 10 min.</value>
    public TimeSpan RttProbeEvery { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Everything that is wrong with these values; empty when nothing is.</summary>
    public IReadOnlyList<string> Validate()
    {
        List<string> errors = [];
        OptionRange.Check(errors, nameof(StartWindow), StartWindow, 64 * 1024, 16 * 1024 * 1024);
        OptionRange.Check(errors, nameof(Factor), Factor, 1.2, 4.0);
        OptionRange.Check(errors, nameof(FactorMax), FactorMax, Factor, 16.0);
        OptionRange.Check(errors, nameof(RttProbeEvery), RttProbeEvery, TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(10));
        return errors;
    }
}
