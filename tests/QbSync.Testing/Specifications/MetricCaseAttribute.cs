using System.Globalization;

namespace QbSync.Testing.Specifications;

/// <summary>Says that a test is one of the metrics' specification's entries; a test may be several of them.</summary>
/// <remarks>
/// C are the contract's counters, G its gauges, H its histograms, A the additional metrics, L the laws between them, Q the acceptance.
/// A case that is marked in several tests is the sum of them.
/// </remarks>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method, AllowMultiple = true)]
public sealed class MetricCaseAttribute(string id) : PropertyAttribute("MetricCase", id)
{
    /// <summary>The entry, such as C01; <see cref="Ids"/> has them all.</summary>
    public string Id { get; } = id;

    /// <summary>Every entry of the specification.</summary>
    public static IReadOnlyList<string> Ids { get; } =
    [
        .. Numbered("C", 45, 2),
        .. Numbered("G", 22, 2),
        .. Numbered("H", 8, 2),
        .. Numbered("A", 33, 2),
        .. Numbered("L", 8, 1),
        .. Numbered("Q", 10, 1),
    ];

    private static IEnumerable<string> Numbered(string letter, int last, int digits) =>
        Enumerable.Range(1, last).Select(number => letter + number.ToString($"D{digits}", CultureInfo.InvariantCulture));
}
