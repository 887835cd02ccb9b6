using System.Globalization;

namespace QbSync.Transport;

/// <summary>Range checks that collect sentences instead of throwing at the first.</summary>
internal static class OptionRange
{
    public static void Check<T>(List<string> errors, string option, T value, T least, T most)
        where T : IComparable<T>, IFormattable
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
        {
            errors.Add(string.Create(CultureInfo.InvariantCulture, $"{option}: {value} is not within {least} to {most}"));
        }
    }
}
