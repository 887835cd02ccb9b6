using System.Runtime.CompilerServices;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination;

/// <summary>What a source learns of its torrents, from memory and without any effect.</summary>
public sealed partial class DestinationEngine
{
    /// <summary>Ids of one status call.</summary>
    private const int MaxStatusIds = 256;

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<DestinationTorrentStatus>> GetStatusAsync(Caller caller, StatusRequest request, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(request.Torrents.Count, MaxStatusIds);
        var refusal = GetRefusal();
        return ValueTask.FromResult<IReadOnlyList<DestinationTorrentStatus>>(
            [.. request.Torrents.Select(id => GetStatus(caller, id, request.WithBitmaps, refusal))]);
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<DestinationUpdate> WatchAsync(Caller caller, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stay = _sources.Join(caller);
        var updates = _hub.WatchAsync(
            GetUnfinished(caller),
            id => FindOwn(caller, id) is { } session ? new DestinationUpdate.Changed(session.GetStatus(withBitmaps: false)) : null,
            id => FindOwn(caller, id)?.GetHave(),
            cancellationToken);
        await foreach (var update in updates.ConfigureAwait(false))
        {
            yield return update;
        }
    }

    /// <summary>What a watcher hears of first. Looked for when it has joined: what came before that, and was told of to others, would be told to nobody.</summary>
    private IEnumerable<InfoHash> GetUnfinished(Caller caller)
    {
        foreach (var (id, session) in _sessions)
        {
            if (session.BelongsTo(caller.Source) && session.View.State != TorrentSessionState.Complete)
            {
                yield return id;
            }
        }
    }

    private DestinationTorrentStatus GetStatus(Caller caller, InfoHash id, bool withBitmaps, Refusal? refusal)
    {
        if (refusal is not null)
        {
            return new DestinationTorrentStatus { Id = id, State = DestinationTorrentState.Unknown, Refusal = refusal };
        }

        return FindOwn(caller, id)?.GetStatus(withBitmaps) ?? new DestinationTorrentStatus { Id = id, State = DestinationTorrentState.Absent };
    }
}
