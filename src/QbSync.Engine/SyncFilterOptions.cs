namespace QbSync.Engine;

/// <summary>What becomes of torrents whose manifest says that they are private (BEP 27).</summary>
public enum PrivateTorrents
{
    /// <summary>They are synced as any other.</summary>
    Sync = 0,

    /// <summary>They are left alone.</summary>
    Skip = 1,
}

/// <summary>
/// Which torrents are synced. Asked in the order of the properties, excluding lists first; the first refusal is the reason shown. All of it counts until a
/// torrent is opened at the destination; after that only the tag of <see cref="SourceOptions.ExcludeSyncTag"/> does, so that a change of category
/// in the client does not discard what was half sent.
/// </summary>
public sealed class SyncFilterOptions
{
    /// <summary>Categories that are not synced: exact names, or <c>name/*</c> for those below one.</summary>
    /// <value>Empty by default.</value>
    public IReadOnlyList<string> ExcludeCategories { get; set; } = [];

    /// <summary>Tags that are not synced; exact, case-sensitive.</summary>
    /// <value>Empty by default.</value>
    public IReadOnlyList<string> ExcludeTags { get; set; } = [];

    /// <summary>Trackers whose torrents are not synced, in whatever tier: a host, or <c>*.host</c> for those below one.</summary>
    /// <value>Empty by default.</value>
    public IReadOnlyList<string> ExcludeTrackers { get; set; } = [];

    /// <summary>Categories of which a torrent must have one; as <see cref="ExcludeCategories"/>.</summary>
    /// <value>Empty for all.</value>
    public IReadOnlyList<string> IncludeCategories { get; set; } = [];

    /// <summary>Tags of which a torrent must have one.</summary>
    /// <value>Empty for all.</value>
    public IReadOnlyList<string> IncludeTags { get; set; } = [];

    /// <summary>Trackers of which a torrent must have one; as <see cref="ExcludeTrackers"/>.</summary>
    /// <value>Empty for all.</value>
    public IReadOnlyList<string> IncludeTrackers { get; set; } = [];

    /// <summary>Least size of what is selected.</summary>
    /// <value>0 for none; bytes.</value>
    public long MinSize { get; set; }

    /// <summary>Greatest size of what is selected.</summary>
    /// <value>0 for none; bytes.</value>
    public long MaxSize { get; set; }

    /// <summary>What becomes of private torrents.</summary>
    /// <value><see cref="QbSync.Engine.PrivateTorrents.Sync"/>.</value>
    public PrivateTorrents PrivateTorrents { get; set; }

    /// <summary>A copy that nobody else changes.</summary>
    internal SyncFilterOptions Copy() => (SyncFilterOptions)MemberwiseClone();

    /// <summary>Every fault of these values, each beginning with its option and a colon.</summary>
    public IReadOnlyList<string> Validate() => [.. FindFaults()];

    private IEnumerable<string> FindFaults()
    {
        foreach (var (name, list) in Lists)
        {
            foreach (var entry in list)
            {
                if (entry.Length == 0 || entry != entry.Trim())
                {
                    yield return $"{name}: '{entry}' is empty, or has white space at an end.";
                }
            }
        }

        foreach (var (name, list) in ((string, IReadOnlyList<string>)[])[("exclude-tag", ExcludeTags), ("include-tag", IncludeTags)])
        {
            foreach (var tag in list.Where(static tag => tag.Contains(',', StringComparison.Ordinal)))
            {
                yield return $"{name}: '{tag}' holds a comma, which separates tags in a client.";
            }
        }

        foreach (var (name, list) in ((string, IReadOnlyList<string>)[])[("exclude-tracker", ExcludeTrackers), ("include-tracker", IncludeTrackers)])
        {
            foreach (var host in list.Where(static host => Uri.CheckHostName(host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host) == UriHostNameType.Unknown))
            {
                yield return $"{name}: '{host}' is neither a host nor *.host.";
            }
        }

        if (MinSize < 0)
        {
            yield return $"min-torrent-size: {MinSize} is negative.";
        }

        if (MaxSize < 0 || (MaxSize > 0 && MaxSize < MinSize))
        {
            yield return $"max-torrent-size: {MaxSize} is negative, or below min-torrent-size ({MinSize}).";
        }

        if (!Enum.IsDefined(PrivateTorrents))
        {
            yield return $"private-torrents: {PrivateTorrents} is no choice.";
        }
    }

    private (string Name, IReadOnlyList<string> List)[] Lists =>
    [
        ("exclude-category", ExcludeCategories), ("exclude-tag", ExcludeTags), ("exclude-tracker", ExcludeTrackers),
        ("include-category", IncludeCategories), ("include-tag", IncludeTags), ("include-tracker", IncludeTrackers),
    ];
}
