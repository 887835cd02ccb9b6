using System.Collections.Frozen;
using System.Runtime.InteropServices;
using QbSync.QBittorrent.Models;

namespace QbSync.QBittorrent.Sync;

/// <summary>What is known of a client by its answers so far. Owned by the feed.</summary>
internal sealed class MaindataState
{
    /// <summary>Torrents by id; a record that did not change stays the same object.</summary>
    public Dictionary<string, TorrentRecord> Torrents { get; set; } = [];

    /// <summary>Names of categories. Replaced whole when one comes or goes, so that it can be handed out.</summary>
    public FrozenSet<string> Categories { get; set; } = [];
}

/// <summary>What an answer did to the state.</summary>
/// <param name="Removed">Ids that the client named as removed and that were known.</param>
/// <param name="Changed">Ids whose record is another object than before, new ones too.</param>
/// <param name="LacksFields">A torrent lacks what every one has: the client then lost an answer's fields for good.</param>
internal readonly record struct MaindataChange(IReadOnlyList<string> Removed, IReadOnlyList<string> Changed, bool LacksFields);

/// <summary>Lays what changed over what was known, field by field: a field that is absent or null keeps its value. Arithmetic only.</summary>
internal static class MaindataMerge
{
    /// <summary>
    /// The torrent after the change: <paramref name="known"/> itself when nothing changed, else <paramref name="change"/>, which is filled up and must be
    /// nobody else's.
    /// </summary>
    public static TorrentRecord Merge(TorrentRecord? known, TorrentRecord change)
    {
        if (known is null)
        {
            return change;
        }

        change.FillFrom(known);
        return change == known ? known : change;
    }

    /// <summary>Applies an answer, whose records become the state's. A full answer replaces all, whatever was known before it.</summary>
    public static MaindataChange Apply(MaindataState state, MainDataRecord answer)
    {
        ApplyCategories(state, answer);
        return answer.FullUpdate == true ? Replace(state, answer.Torrents ?? []) : Change(state, answer);
    }

    private static MaindataChange Replace(MaindataState state, Dictionary<string, TorrentRecord> torrents)
    {
        var lacksFields = false;
        List<string> changed = [];
        var before = state.Torrents;
        foreach (var (id, torrent) in torrents)
        {
            lacksFields |= LacksFields(torrent);
            if (before.TryGetValue(id, out var known) && known == torrent)
            {
                // An equal record stays the same object, so that unchanged torrents are shared between polls.
                CollectionsMarshal.GetValueRefOrNullRef(torrents, id) = known;
            }
            else
            {
                changed.Add(id);
            }
        }

        state.Torrents = torrents;
        return new MaindataChange([], changed, lacksFields);
    }

    private static MaindataChange Change(MaindataState state, MainDataRecord answer)
    {
        List<string>? removed = null, changed = null;
        foreach (var id in answer.TorrentsRemoved ?? [])
        {
            if (state.Torrents.Remove(id))
            {
                (removed ??= []).Add(id);
            }
        }

        var lacksFields = false;
        foreach (var (id, change) in answer.Torrents ?? [])
        {
            var known = state.Torrents.GetValueOrDefault(id);
            var merged = Merge(known, change);
            lacksFields |= LacksFields(merged);
            if (!ReferenceEquals(merged, known))
            {
                state.Torrents[id] = merged;
                (changed ??= new List<string>(answer.Torrents!.Count)).Add(id);
            }
        }

        return new MaindataChange(removed ?? (IReadOnlyList<string>)[], changed ?? (IReadOnlyList<string>)[], lacksFields);
    }

    private static bool LacksFields(TorrentRecord record) => record.State is null || record.SavePath is null || record.Name is null;

    private static void ApplyCategories(MaindataState state, MainDataRecord answer)
    {
        if (answer.FullUpdate != true && answer.Categories is not { Count: > 0 } && answer.CategoriesRemoved is not { Count: > 0 })
        {
            return;
        }

        IEnumerable<string> kept = answer.FullUpdate == true ? [] : state.Categories.Except(answer.CategoriesRemoved ?? []);
        var names = kept.Concat(answer.Categories?.Keys.AsEnumerable() ?? []).ToFrozenSet(StringComparer.Ordinal);
        state.Categories = names.SetEquals(state.Categories) ? state.Categories : names;
    }
}
