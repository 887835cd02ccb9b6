using QbSync.Engine.Shared;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination.Finalization;

internal sealed partial class ClientRegistrar
{
    /// <summary>Sets tags, category and share limits where a read shows them lacking. Failures are never fatal, those of tags counted; true when all is as it should be.</summary>
    public async Task<bool> ApplyMarksAsync(TorrentParameters parameters, TorrentStatus status, CancellationToken cancellationToken)
    {
        var synced = options.Current.SyncedTag;
        string[] tags = synced.Length > 0 ? [synced, .. parameters.Tags] : [.. parameters.Tags];
        var usable = tags.Where(IsUsableTag).Distinct().ToArray();
        var tagged = await TryMarkAsync(
            status.Id,
            seen => usable.All(seen.Tags.Contains),
            status,
            ClientChange.AddTags,
            seen => client.AddTagsAsync([status.Id], [.. usable.Where(tag => !seen.Tags.Contains(tag))], cancellationToken),
            cancellationToken).ConfigureAwait(false);
        if (!tagged)
        {
            metrics.TagFailed();
        }

        var filed = parameters.Category.Length == 0 || await TryMarkAsync(
            status.Id,
            seen => seen.Category == parameters.Category,
            status,
            ClientChange.SetCategory,
            async _ =>
            {
                await client.EnsureCategoryAsync(parameters.Category, cancellationToken).ConfigureAwait(false);
                await client.SetCategoryAsync([status.Id], parameters.Category, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        var limited = await ApplyLimitsAsync(parameters.Limits, status, cancellationToken).ConfigureAwait(false);
        return tagged && filed && limited;
    }

    /// <summary>Sets the share limits where a read shows others; a limit that is global is left as it is. True when they are as they should be.</summary>
    public async Task<bool> ApplyLimitsAsync(ShareLimits limits, TorrentStatus status, CancellationToken cancellationToken)
    {
        if (limits.InactiveMinutes.Kind != ShareLimitKind.Global && !await LimitsInactivityAsync(cancellationToken).ConfigureAwait(false))
        {
            limits = limits with { InactiveMinutes = ShareLimit.Global };
        }

        return await TryMarkAsync(
            status.Id,
            seen => IsLimited(seen.Limits, limits),
            status,
            ClientChange.SetShareLimits,
            seen => client.SetShareLimitsAsync([status.Id], Over(limits, seen.Limits), cancellationToken),
            cancellationToken).ConfigureAwait(false);
    }

    private async Task<bool> LimitsInactivityAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await client.DescribeAsync(refresh: false, cancellationToken).ConfigureAwait(false)).Capabilities.LimitsInactivity;
        }
        catch (TorrentClientException)
        {
            // Whoever cannot tell that cannot set it either, and it is tried again.
            return true;
        }
    }

    private static ShareLimits Over(ShareLimits wanted, ShareLimits seen) => new(
        Over(wanted.Ratio, seen.Ratio), Over(wanted.SeedingMinutes, seen.SeedingMinutes), Over(wanted.InactiveMinutes, seen.InactiveMinutes));

    private static ShareLimit Over(ShareLimit wanted, ShareLimit seen) => wanted.Kind == ShareLimitKind.Global ? seen : wanted;

    private static bool IsLimited(ShareLimits seen, ShareLimits wanted) =>
        IsLimited(seen.Ratio, wanted.Ratio, 0.001)
        && IsLimited(seen.SeedingMinutes, wanted.SeedingMinutes, 1)
        && IsLimited(seen.InactiveMinutes, wanted.InactiveMinutes, 1);

    // Clients keep whole minutes, and a ratio in few digits.
    private static bool IsLimited(ShareLimit seen, ShareLimit wanted, double grain) =>
        wanted.Kind == ShareLimitKind.Global || (seen.Kind == wanted.Kind && Math.Abs(seen.Value - wanted.Value) <= grain);

    private static bool IsUsableTag(string tag) => tag.Length > 0 && !tag.Contains(',', StringComparison.Ordinal);

    private async Task<bool> TryMarkAsync(
        ClientTorrentId id,
        Func<TorrentStatus, bool> holds,
        TorrentStatus seen,
        ClientChange change,
        Func<TorrentStatus, ValueTask> mark,
        CancellationToken cancellationToken)
    {
        if (holds(seen))
        {
            return true;
        }

        try
        {
            await mark(seen).ConfigureAwait(false);
            if ((await readBack.UntilAsync(change, id, status => status is not null && holds(status), cancellationToken).ConfigureAwait(false)).Held)
            {
                return true;
            }
        }
        catch (TorrentClientException e)
        {
            Log.MarkNotSeen(logger, id, e.Message);
        }

        return false;
    }
}
