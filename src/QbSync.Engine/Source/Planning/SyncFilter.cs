using QbSync.Engine.Plans;
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
        var refusal = ExcludedCategory(status) ?? ExcludedTag(status) ?? ExcludedTracker(traits)
            ?? NoCategory(status) ?? NoTag(status) ?? NoTracker(traits)
            ?? TooSmall(status) ?? TooLarge(status) ?? Private(traits);
        return new FilterVerdict(refusal is null && traits is null && (NeedsTrackers || NeedsManifest), refusal);
    }

    /// <summary>Every list and limit, in the order in which they are asked, as they are now.</summary>
    public IEnumerable<PlanCondition> Conditions(TorrentStatus status, TorrentTraits? traits)
    {
        var category = status.Category.Length == 0 ? "it has no category" : $"its category is '{status.Category}'";
        var tags = PlanWords.List([.. status.Tags.Order(StringComparer.Ordinal)], "it has no tags");
        var trackers = traits is null ? null : PlanWords.List(traits.TrackerHosts, "it has no trackers");
        var size = $"{status.SelectedSize} bytes";
        yield return Known("no list excludes its category", ExcludedCategory(status), category, "exclude-category", options.ExcludeCategories);
        yield return Known("no list excludes a tag of it", ExcludedTag(status), tags, "exclude-tag", options.ExcludeTags);
        yield return Asked("no list excludes a tracker of it", ExcludedTracker(traits), trackers, "exclude-tracker", options.ExcludeTrackers);
        yield return Known("its category is wanted", NoCategory(status), category, "include-category", options.IncludeCategories);
        yield return Known("a tag of it is wanted", NoTag(status), tags, "include-tag", options.IncludeTags);
        yield return Asked("a tracker of it is wanted", NoTracker(traits), trackers, "include-tracker", options.IncludeTrackers);
        yield return new PlanCondition(PlanTopic.Sync, "it is large enough", TooSmall(status) is null, size, "min-torrent-size");
        yield return new PlanCondition(PlanTopic.Sync, "it is not too large", TooLarge(status) is null, size, "max-torrent-size");
        yield return new PlanCondition(
            PlanTopic.Sync,
            "its being private or not is no obstacle",
            NeedsManifest && traits is null ? null : Private(traits) is null,
            !NeedsManifest ? "private ones are synced, too" : traits is null ? "not known" : traits.IsPrivate ? "it is private" : "it is not private",
            "private-torrents");

        static PlanCondition Known(string name, string? refusal, string value, string option, IReadOnlyList<string> list) =>
            new(PlanTopic.Sync, name, refusal is null, list.Count == 0 ? "the list is empty" : value, option);

        static PlanCondition Asked(string name, string? refusal, string? value, string option, IReadOnlyList<string> list) =>
            new(PlanTopic.Sync, name, list.Count > 0 && value is null ? null : refusal is null, list.Count == 0 ? "the list is empty" : value ?? "not known", option);
    }

    private string? ExcludedCategory(TorrentStatus status) =>
        options.ExcludeCategories.FirstOrDefault(pattern => IsCategory(status.Category, pattern)) is { } category ? $"exclude-category has '{category}'" : null;

    private string? ExcludedTag(TorrentStatus status) =>
        options.ExcludeTags.FirstOrDefault(status.Tags.Contains) is { } tag ? $"exclude-tag has '{tag}'" : null;

    private string? ExcludedTracker(TorrentTraits? traits) =>
        traits is not null && options.ExcludeTrackers.FirstOrDefault(pattern => IsAnyHost(traits, pattern)) is { } tracker ? $"exclude-tracker has '{tracker}'" : null;

    private string? NoCategory(TorrentStatus status) =>
        options.IncludeCategories.Count > 0 && !options.IncludeCategories.Any(pattern => IsCategory(status.Category, pattern))
            ? $"include-category does not have '{status.Category}'" : null;

    private string? NoTag(TorrentStatus status) =>
        options.IncludeTags.Count > 0 && !options.IncludeTags.Any(status.Tags.Contains) ? "include-tag has none of its tags" : null;

    private string? NoTracker(TorrentTraits? traits) =>
        traits is not null && options.IncludeTrackers.Count > 0 && !options.IncludeTrackers.Any(pattern => IsAnyHost(traits, pattern))
            ? "include-tracker has none of its trackers" : null;

    private string? TooSmall(TorrentStatus status) =>
        status.SelectedSize < options.MinSize ? $"its {status.SelectedSize} bytes are fewer than min-torrent-size" : null;

    private string? TooLarge(TorrentStatus status) =>
        options.MaxSize > 0 && status.SelectedSize > options.MaxSize ? $"its {status.SelectedSize} bytes are more than max-torrent-size" : null;

    private string? Private(TorrentTraits? traits) =>
        NeedsManifest && traits is { IsPrivate: true } ? "it is private, and private-torrents is skip" : null;

    private static bool IsCategory(string category, string pattern) => pattern.EndsWith(Below, StringComparison.Ordinal)
        ? category.StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal)
        : category == pattern;

    private static bool IsAnyHost(TorrentTraits traits, string pattern) => traits.TrackerHosts.Any(host => pattern.StartsWith(BelowHost, StringComparison.Ordinal)
        ? host.EndsWith(pattern[1..], StringComparison.OrdinalIgnoreCase)
        : string.Equals(host, pattern, StringComparison.OrdinalIgnoreCase));
}
