using QbSync.Torrents;

namespace QbSync.Engine.Source.Planning;

/// <summary>What a filter may need to know of a torrent and its client's list does not tell.</summary>
/// <param name="IsPrivate">The flag of the manifest.</param>
/// <param name="TrackerHosts">Hosts of its trackers, of every tier.</param>
internal sealed record TorrentTraits(bool IsPrivate, IReadOnlyList<string> TrackerHosts);

/// <summary>Whether a torrent is to be synced by the user's lists.</summary>
/// <param name="NeedsTraits">Not decided: what the client's list tells is not enough.</param>
/// <param name="Refusal">Why not, for people; null when nothing refuses it.</param>
internal readonly record struct FilterVerdict(bool NeedsTraits, string? Refusal)
{
    public bool IsRefused => Refusal is not null;
}

/// <summary>The user's lists, asked in their order; pure. The tag that forbids a torrent at any time is not among them.</summary>
internal sealed class SyncFilter(SyncFilterOptions options)
{
    private const string Below = "/*";
    private const string BelowHost = "*.";

    public bool NeedsTrackers { get; } = options.ExcludeTrackers.Count + options.IncludeTrackers.Count > 0;

    public bool NeedsManifest { get; } = options.PrivateTorrents == PrivateTorrents.Skip;

    /// <param name="traits">Null while they are not known: then they are asked for only if nothing else refuses the torrent.</param>
    public FilterVerdict Judge(TorrentStatus status, TorrentTraits? traits)
    {
        var refusal = Excluded(status, traits) ?? NotIncluded(status, traits) ?? Sized(status)
            ?? (NeedsManifest && traits is { IsPrivate: true } ? "it is private, and private-torrents is skip" : null);
        return new FilterVerdict(refusal is null && traits is null && (NeedsTrackers || NeedsManifest), refusal);
    }

    private string? Excluded(TorrentStatus status, TorrentTraits? traits)
    {
        if (options.ExcludeCategories.FirstOrDefault(pattern => IsCategory(status.Category, pattern)) is { } category)
        {
            return $"exclude-category has '{category}'";
        }

        if (options.ExcludeTags.FirstOrDefault(status.Tags.Contains) is { } tag)
        {
            return $"exclude-tag has '{tag}'";
        }

        return traits is not null && options.ExcludeTrackers.FirstOrDefault(pattern => IsAnyHost(traits, pattern)) is { } tracker
            ? $"exclude-tracker has '{tracker}'"
            : null;
    }

    private string? NotIncluded(TorrentStatus status, TorrentTraits? traits)
    {
        if (options.IncludeCategories.Count > 0 && !options.IncludeCategories.Any(pattern => IsCategory(status.Category, pattern)))
        {
            return $"include-category does not have '{status.Category}'";
        }

        if (options.IncludeTags.Count > 0 && !options.IncludeTags.Any(status.Tags.Contains))
        {
            return "include-tag has none of its tags";
        }

        return traits is not null && options.IncludeTrackers.Count > 0 && !options.IncludeTrackers.Any(pattern => IsAnyHost(traits, pattern))
            ? "include-tracker has none of its trackers"
            : null;
    }

    private string? Sized(TorrentStatus status)
    {
        if (status.SelectedSize < options.MinSize)
        {
            return $"its {status.SelectedSize} bytes are fewer than min-torrent-size";
        }

        return options.MaxSize > 0 && status.SelectedSize > options.MaxSize
            ? $"its {status.SelectedSize} bytes are more than max-torrent-size"
            : null;
    }

    private static bool IsCategory(string category, string pattern) => pattern.EndsWith(Below, StringComparison.Ordinal)
        ? category.StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal)
        : category == pattern;

    private static bool IsAnyHost(TorrentTraits traits, string pattern) => traits.TrackerHosts.Any(host => pattern.StartsWith(BelowHost, StringComparison.Ordinal)
        ? host.EndsWith(pattern[1..], StringComparison.OrdinalIgnoreCase)
        : string.Equals(host, pattern, StringComparison.OrdinalIgnoreCase));
}
