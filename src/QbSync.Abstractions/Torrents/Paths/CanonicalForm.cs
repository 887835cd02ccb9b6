using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace QbSync.Torrents;

/// <summary>
/// Unicode canonical decomposition (NFD). Our own, because the runtime's is the identity where globalization is invariant, and a file system that
/// normalises does so there, too. Thread-safe; the tables are read at the first text that needs them.
/// </summary>
internal static class CanonicalForm
{
    private const int HangulBase = 0xac00, LeadBase = 0x1100, VowelBase = 0x1161, TailBase = 0x11a7, Vowels = 21, Tails = 28, Syllables = 11_172;
    private static readonly Lazy<Tables> Known = new(Read);

    public static string Decompose(string text)
    {
        // Below U+00C0 nothing decomposes, and no mark combines.
        if (!text.AsSpan().ContainsAnyExceptInRange('\0', '\u00bf'))
        {
            return text;
        }

        var points = new List<int>(text.Length + 8);
        foreach (var rune in text.EnumerateRunes())
        {
            Append(points, rune.Value);
        }

        Order(points);
        var result = new StringBuilder(points.Count + 8);
        Span<char> units = stackalloc char[2];
        foreach (var point in points)
        {
            result.Append(units[..new Rune(point).EncodeToUtf16(units)]);
        }

        return result.ToString();
    }

    private static void Append(List<int> points, int point)
    {
        if ((uint)(point - HangulBase) < Syllables)
        {
            var index = point - HangulBase;
            points.Add(LeadBase + index / (Vowels * Tails));
            points.Add(VowelBase + index % (Vowels * Tails) / Tails);
            if (index % Tails != 0)
            {
                points.Add(TailBase + index % Tails);
            }

            return;
        }

        // Only the first part can decompose further, so this is a loop in disguise, four deep at most.
        if (Known.Value.Parts.TryGetValue(point, out var parts))
        {
            Append(points, parts.First);
            if (parts.Second != 0)
            {
                points.Add(parts.Second);
            }

            return;
        }

        points.Add(point);
    }

    /// <summary>Sorts each run of combining marks by class, equal classes kept in order.</summary>
    private static void Order(List<int> points)
    {
        var classes = points.ConvertAll(static point => Known.Value.Classes.GetValueOrDefault(point));
        for (var start = 0; start < points.Count; start++)
        {
            var end = start;
            while (end < points.Count && classes[end] != 0)
            {
                end++;
            }

            if (end - start > 1)
            {
                var sorted = Enumerable.Range(start, end - start).OrderBy(i => classes[i]).Select(i => points[i]).ToArray();
                for (var i = 0; i < sorted.Length; i++)
                {
                    points[start + i] = sorted[i];
                }
            }

            start = end;
        }
    }

    private static Tables Read()
    {
        var parts = new Dictionary<int, (int First, int Second)>();
        var classes = new Dictionary<int, byte>();
        using var reader = new StreamReader(typeof(CanonicalForm).Assembly.GetManifestResourceStream("canonical-forms.txt")!);
        var isClasses = false;
        while (reader.ReadLine() is { } line)
        {
            if (line[0] is '#' or '=')
            {
                isClasses |= line[0] == '=';
                continue;
            }

            var fields = line.Split(' ');
            var first = Hex(fields[0]);
            if (!isClasses)
            {
                parts.Add(first, (Hex(fields[1]), fields.Length > 2 ? Hex(fields[2]) : 0));
                continue;
            }

            for (var point = first; point <= Hex(fields[1]); point++)
            {
                classes.Add(point, byte.Parse(fields[2], CultureInfo.InvariantCulture));
            }
        }

        return new Tables(parts.ToFrozenDictionary(), classes.ToFrozenDictionary());
    }

    private static int Hex(string digits) => int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private sealed record Tables(FrozenDictionary<int, (int First, int Second)> Parts, FrozenDictionary<int, byte> Classes);
}
