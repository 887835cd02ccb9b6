namespace QbSync.Host.Configuration;

/// <summary>How far apart two names are, for messages about a name that was misspelt.</summary>
internal static class NameDistance
{
    /// <summary>The name that was most likely meant.</summary>
    public static string FindClosest(string name, IEnumerable<string> known) => known.MinBy(candidate => Measure(candidate, name)) ?? "none";

    /// <summary>Letters to be added, removed or replaced.</summary>
    public static int Measure(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var next = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = row[j];
                row[j] = next;
            }
        }

        return row[^1];
    }
}
