using System.Globalization;

namespace QbSync.Engine.Source.Planning;

/// <summary>Values of a plan as people read them. Pure.</summary>
internal static class PlanWords
{
    /// <summary>A length of time, rounded so that what is left is never told as nothing.</summary>
    public static string Time(TimeSpan time) => time switch
    {
        { TotalDays: >= 2 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalDays:0.#} d"),
        { TotalHours: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalHours:0.#} h"),
        { TotalMinutes: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(time.TotalMinutes):0} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(Math.Max(0, time.TotalSeconds)):0} s"),
    };

    /// <summary>Whether a tag that steers us is set.</summary>
    public static string Tag(string tag, bool isSet) => tag.Length == 0 ? "no such tag is configured" : isSet ? $"the tag '{tag}' is set" : $"the tag '{tag}' is not set";

    /// <summary>A list of names; what an empty one means is the caller's.</summary>
    public static string List(IReadOnlyCollection<string> names, string none) =>
        names.Count == 0 ? none : string.Join(", ", names.Select(static name => $"'{name}'"));
}
