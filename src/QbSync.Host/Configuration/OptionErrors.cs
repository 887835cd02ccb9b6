namespace QbSync.Host.Configuration;

/// <summary>What is wrong with a configuration, all of it, in the one form that every message has.</summary>
internal sealed class OptionErrors
{
    private readonly List<string> _all = [];

    public IReadOnlyList<string> All => _all;

    /// <param name="origin">Where the value is from: a flag, a variable, a file and its key, or the default.</param>
    /// <param name="problem">Without a full stop.</param>
    public void Report(string name, string origin, string problem, string remedy) => Add($"--{name} (from {origin}): {problem}. {remedy}");

    /// <summary>Adds one that is about no option.</summary>
    public void Add(string error)
    {
        // Control characters would let a value begin a line of its own.
        _all.Add(Logging.PlainText.Escape(error));
    }

    /// <summary>A name that no option has.</summary>
    public void ReportUnknown(string where, string name, IEnumerable<string> known) =>
        Add($"{where}{name}: no such option. The closest is {NameDistance.FindClosest(name, known)}.");
}
