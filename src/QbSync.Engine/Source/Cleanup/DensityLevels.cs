namespace QbSync.Engine.Source.Cleanup;

/// <summary>
/// Upload for bytes freed, in powers of two. A group changes its level only when it has left it by a quarter, so that two that are nearly equal do not
/// change places at every look. Owned by the loop.
/// </summary>
internal sealed class DensityLevels
{
    /// <summary>Of what uploads nothing.</summary>
    public const int Silent = -64;

    private const double Scale = 1L << 40;
    private readonly Dictionary<string, int> _levels = new(StringComparer.Ordinal);

    /// <summary>A group's level.</summary>
    /// <param name="key">The group.</param>
    /// <param name="density">Bytes a second of upload, for each byte that is freed.</param>
    public int Of(string key, double density) => _levels[key] = Next(_levels.TryGetValue(key, out var level) ? level : null, density);

    /// <summary>Forgets the groups that are no more.</summary>
    public void Keep(IReadOnlySet<string> keys)
    {
        foreach (var gone in _levels.Keys.Where(key => !keys.Contains(key)).ToList())
        {
            _levels.Remove(gone);
        }
    }

    /// <summary>The level that follows.</summary>
    internal static int Next(int? level, double density)
    {
        if (!(density > 0))
        {
            return Silent;
        }

        var scaled = density * Scale;
        return level is { } known and not Silent && scaled >= 0.75 * Math.Pow(2, known) && scaled <= 1.25 * Math.Pow(2, known + 1)
            ? known
            : Math.Clamp((int)Math.Floor(Math.Log2(scaled)), Silent + 1, 64);
    }
}
