using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Testing.Clients.Sim;

public sealed partial class SimTorrentClient
{
    /// <inheritdoc />
    public ValueTask<AddTorrentOutcome> AddAsync(AddTorrentRequest request, CancellationToken cancellationToken)
    {
        var (outcome, id) = model.Add(new SimAdd(request.Torrent, request.SavePath)
        {
            Category = request.Category,
            Tags = request.Tags,
            IsSeedMode = request.SkipCheck,
            Layout = request.Layout,
        });
        if (outcome == SimAddOutcome.Added && !model.Generation.TagsInAdd)
        {
            model.AddTags([id], request.Tags);
        }

        return new(outcome switch
        {
            SimAddOutcome.Added => AddTorrentOutcome.Taken,
            SimAddOutcome.Present => AddTorrentOutcome.Unclear,
            _ => AddTorrentOutcome.Refused,
        });
    }

    /// <inheritdoc />
    public ValueTask SelectAsync(ClientTorrentId id, IReadOnlyCollection<int> fileIndices, bool wanted, CancellationToken cancellationToken) =>
        Of(model.SetPriorities(id.Value, fileIndices, wanted ? 1 : 0), "A file index is beyond the list.");

    /// <inheritdoc />
    public ValueTask SetShareLimitsAsync(IReadOnlyCollection<ClientTorrentId> ids, ShareLimits limits, CancellationToken cancellationToken)
    {
        model.SetShareLimits(Names(ids), Value(limits.Ratio), (int)Value(limits.SeedingMinutes), (int)Value(limits.InactiveMinutes));
        return default;
    }

    /// <inheritdoc />
    public ValueTask RenameFileAsync(ClientTorrentId id, string oldPath, string newPath, CancellationToken cancellationToken) =>
        Of(model.Rename(id.Value, oldPath, newPath), $"'{oldPath}' is not there, or '{newPath}' is.");

    /// <inheritdoc />
    public ValueTask RecheckAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        model.Recheck([id.Value]);
        return default;
    }

    /// <inheritdoc />
    public ValueTask StopAsync(IReadOnlyCollection<ClientTorrentId> ids, bool whileChecking, CancellationToken cancellationToken)
    {
        Guard(ids, torrent => !whileChecking && torrent.State.IsChecking(), "is checking");
        model.Stop(Names(ids));
        return default;
    }

    /// <inheritdoc />
    public ValueTask StartAsync(IReadOnlyCollection<ClientTorrentId> ids, bool force, CancellationToken cancellationToken)
    {
        Guard(
            ids,
            torrent => !force && torrent.State is ClientTorrentState.StoppedDl or ClientTorrentState.MissingFiles or ClientTorrentState.Error,
            "is not complete");
        model.Start(Names(ids));
        return default;
    }

    /// <inheritdoc />
    public ValueTask AddTagsAsync(IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken)
    {
        CheckTags(tags);
        model.AddTags(Names(ids), tags);
        return default;
    }

    /// <inheritdoc />
    public ValueTask RemoveTagsAsync(IReadOnlyCollection<ClientTorrentId> ids, IReadOnlyCollection<string> tags, CancellationToken cancellationToken)
    {
        CheckTags(tags);
        model.RemoveTags(Names(ids), tags);
        return default;
    }

    /// <inheritdoc />
    public ValueTask EnsureCategoryAsync(string name, CancellationToken cancellationToken)
    {
        model.MakeCategory(name, "");
        return default;
    }

    /// <inheritdoc />
    public ValueTask SetCategoryAsync(IReadOnlyCollection<ClientTorrentId> ids, string category, CancellationToken cancellationToken) =>
        Of(model.SetCategory(Names(ids), category), $"There is no category '{category}'.");

    /// <inheritdoc />
    public ValueTask SetLocationAsync(IReadOnlyCollection<ClientTorrentId> ids, string savePath, CancellationToken cancellationToken) =>
        Of(model.SetLocation(Names(ids), savePath), $"'{savePath}' cannot be made.");

    /// <inheritdoc />
    public ValueTask DeleteAsync(IReadOnlyCollection<ClientTorrentId> ids, bool withFiles, CancellationToken cancellationToken)
    {
        if (model.Generation.DeletesUnselected && !withFiles && model.Look(look => Names(ids).Any(id => look.Find(id) is { } torrent && torrent.Priorities.Contains(0))))
        {
            throw Fault(ClientFault.Unsupported, "This version would delete files of priority 0.");
        }

        model.Delete(Names(ids), withFiles);
        return default;
    }

    private static IEnumerable<string> Names(IReadOnlyCollection<ClientTorrentId> ids) => ids.Count == 0
        ? throw new ArgumentException("No torrent is given.", nameof(ids))
        : ids.Select(static id => id.Value);

    private static double Value(ShareLimit limit) => limit.Kind switch
    {
        ShareLimitKind.Global => -2,
        ShareLimitKind.Unlimited => -1,
        _ => limit.Value,
    };

    private static void CheckTags(IReadOnlyCollection<string> tags)
    {
        if (tags.Any(static tag => string.IsNullOrWhiteSpace(tag) || tag.Contains(',')))
        {
            throw new ArgumentException("A tag is empty or has a comma.", nameof(tags));
        }
    }

    private static ValueTask Of(SimChange change, string refusal) => change switch
    {
        SimChange.UnknownTorrent => throw Fault(ClientFault.NotFound, "There is no such torrent."),
        SimChange.Refused => throw Fault(ClientFault.Conflict, refusal),
        _ => default,
    };

    private void Guard(IReadOnlyCollection<ClientTorrentId> ids, Func<TorrentStatus, bool> refuses, string why)
    {
        var refused = model.Look(look => Names(ids).Select(id => look.Find(id)).OfType<SimTorrent>().FirstOrDefault(torrent => refuses(ToStatus(look, torrent)))?.Id);
        if (refused is not null)
        {
            throw Fault(ClientFault.Conflict, $"Torrent {refused} {why}.");
        }
    }
}
