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

    /// <summary>Everything that is wrong with these values; empty when nothing is.</summary>
    public IReadOnlyList<string> Validate()
    {
        List<string> errors = [];
        OptionRange.Check(errors, nameof(StartWindow), StartWindow, 64 * 1024, 16 * 1024 * 1024);
        OptionRange.Check(errors, nameof(Factor), Factor, 1.2, 4.0);
        return errors;
    }
}
