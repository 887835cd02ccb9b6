using QbSync.Ports;
using QbSync.QBittorrent.Models;
using QbSync.QBittorrent.Pipeline;
using QbSync.QBittorrent.Sync;

namespace QbSync.QBittorrent.Adapters;

internal sealed partial class ClientFeed
{
    private readonly MaindataState _state = new();
    private readonly StatusTable _statuses = new();
    private readonly HashSet<string> _watchedOnly = [];
    private long? _freeBytes;

    private IReadOnlyList<ClientTorrentId> Apply(MainDataRecord answer, out bool lacksFields)
    {
        var change = MaindataMerge.Apply(_state, answer);
        lacksFields = change.LacksFields;
        if (answer.FullUpdate == true)
        {
            // What an unchanged torrent shows may be by a watched answer, or it was not shown before.
            foreach (var id in _statuses.Ids.Where(id => !_state.Torrents.ContainsKey(id)).ToArray())
            {
                _statuses.Remove(id);
            }
        }

        foreach (var id in change.Removed)
        {
            _statuses.Remove(id);
        }

        foreach (var id in change.Changed)
        {
            Show(id, _state.Torrents[id]);
        }

        foreach (var id in _watchedOnly)
        {
            if (_state.Torrents.TryGetValue(id, out var record))
            {
                Show(id, record);
            }
            else
            {
                _statuses.Remove(id);
            }
        }

        _watchedOnly.Clear();
        if (answer.FullUpdate == true || answer.ServerState is { TellsFreeSpace: true })
        {
            _freeBytes = answer.ServerState?.FreeSpaceOnDisk;
        }

        return change.Removed.Count == 0 ? [] : [.. change.Removed.Select(static id => new ClientTorrentId(id))];
    }

    // Not merged into the state: the client's next change builds on its own last answer, not on this one.
    private IReadOnlyList<ClientTorrentId> ApplyWatched(List<TorrentRecord> records)
    {
        foreach (var record in records)
        {
            _watchedOnly.Add(record.Hash!);
            Show(record.Hash!, record);
        }

        return [];
    }

    private void Show(string id, TorrentRecord record) => _statuses.Set(id, mapper.Map(record, _statuses[id]));

    private ClientUpdate Update(
        ClientUpdateKind kind, IReadOnlyList<ClientTorrentId> removed, ClientSession session, DateTimeOffset askedAt) =>
        new(++_sequence, kind, _statuses.List, removed, _freeBytes, askedAt) { Categories = _state.Categories, Epoch = session.Epoch };
}
