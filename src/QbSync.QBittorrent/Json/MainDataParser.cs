using System.Text.Json;
using QbSync.QBittorrent.Models;

namespace QbSync.QBittorrent.Json;

/// <summary>Answer of <c>sync/maindata</c>. What is not read, as the trackers' table, is skipped token by token, however long it is.</summary>
internal sealed class MainDataParser : JsonStreamParser<MainDataRecord>
{
    private static readonly FieldTable Sections = new(
        ["rid", "full_update", "torrents", "torrents_removed", "categories", "categories_removed", "tags", "tags_removed", "server_state"]);

    private readonly Gathered<TorrentRecord> _torrents = new();
    private readonly List<string>?[] _names = new List<string>?[(int)Section.TagsRemoved + 1];
    private Section _at = Section.BeforeRoot;
    private int _skipsTo;
    private bool _hasTorrents;
    private Dictionary<string, CategoryRecord>? _categories;
    private long? _rid;
    private bool? _fullUpdate;
    private ServerStateRecord? _serverState;

    // The first nine as the table has them.
    private enum Section
    {
        Rid,
        FullUpdate,
        Torrents,
        TorrentsRemoved,
        Categories,
        CategoriesRemoved,
        Tags,
        TagsRemoved,
        ServerState,
        BeforeRoot,
        Root,
        Skipped,
    }

    public override MainDataRecord Finish() => new()
    {
        Rid = _rid,
        FullUpdate = _fullUpdate,
        Torrents = Torrents(),
        TorrentsRemoved = _names[(int)Section.TorrentsRemoved],
        Categories = _categories,
        CategoriesRemoved = _names[(int)Section.CategoriesRemoved],
        Tags = _names[(int)Section.Tags],
        TagsRemoved = _names[(int)Section.TagsRemoved],
        ServerState = _serverState,
    };

    public override void Dispose() => _torrents.Clear();

    protected override bool Step(ref Utf8JsonReader reader) => reader.Read() && (_at switch
    {
        Section.BeforeRoot => BeginRoot(ref reader),
        Section.Root => ReadSection(ref reader),
        Section.Torrents => ReadTorrent(ref reader),
        Section.Categories => ReadCategory(ref reader),
        Section.Skipped => Skip(ref reader),
        _ => ReadName(ref reader),
    });

    private Dictionary<string, TorrentRecord>? Torrents()
    {
        if (!_hasTorrents)
        {
            return null;
        }

        var torrents = new Dictionary<string, TorrentRecord>(_torrents.Items.Length);
        foreach (var torrent in _torrents.Items)
        {
            torrents[torrent.Hash!] = torrent;
        }

        return torrents;
    }

    private bool BeginRoot(ref Utf8JsonReader reader)
    {
        _at = reader.TokenType == JsonTokenType.StartObject ? Section.Root : throw new JsonException("The answer is no object.");
        return true;
    }

    private bool ReadSection(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.EndObject)
        {
            End();
            return true;
        }

        var section = (Section)Sections.Find(ref reader);
        if (!reader.Read())
        {
            return false;
        }

        switch (section, reader.TokenType)
        {
            case (Section.Rid, not (JsonTokenType.StartObject or JsonTokenType.StartArray)):
                _rid = Lenient.ReadInt64(ref reader);
                break;
            case (Section.FullUpdate, not (JsonTokenType.StartObject or JsonTokenType.StartArray)):
                _fullUpdate = Lenient.ReadBoolean(ref reader);
                break;
            case (Section.Torrents, JsonTokenType.StartObject):
                _hasTorrents = true;
                _at = section;
                break;
            case (Section.Categories, JsonTokenType.StartObject):
                _categories ??= [];
                _at = section;
                break;
            case (Section.TorrentsRemoved or Section.CategoriesRemoved or Section.Tags or Section.TagsRemoved, JsonTokenType.StartArray):
                _names[(int)section] ??= [];
                _at = section;
                break;
            case (Section.ServerState, JsonTokenType.StartObject):
                return CategoryReader.TryRead(ref reader, out _serverState);
            case (_, JsonTokenType.StartObject or JsonTokenType.StartArray):
                _skipsTo = reader.CurrentDepth;
                _at = Section.Skipped;
                break;
        }

        return true;
    }

    private bool ReadTorrent(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.EndObject)
        {
            _at = Section.Root;
            return true;
        }

        var id = Lenient.ReadString(ref reader)!;
        TorrentReader.CheckId(id);
        if (!reader.Read())
        {
            return false;
        }

        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return reader.TrySkip();
        }

        if (!TorrentReader.TryRead(ref reader, id, out var torrent))
        {
            return false;
        }

        _torrents.Add(torrent);
        return true;
    }

    private bool ReadCategory(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.EndObject)
        {
            _at = Section.Root;
            return true;
        }

        var name = StringPool.Read(ref reader)!;
        if (!reader.Read())
        {
            return false;
        }

        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return reader.TrySkip();
        }

        if (!CategoryReader.TryRead(ref reader, out CategoryRecord? category))
        {
            return false;
        }

        _categories![name] = category.Name is null ? category with { Name = name } : category;
        return true;
    }

    private bool ReadName(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.EndArray)
        {
            _at = Section.Root;
            return true;
        }

        if (reader.TokenType == JsonTokenType.String)
        {
            _names[(int)_at]!.Add(StringPool.Read(ref reader)!);
            return true;
        }

        return reader.TrySkip();
    }

    private bool Skip(ref Utf8JsonReader reader)
    {
        if (reader.CurrentDepth == _skipsTo && reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray)
        {
            _at = Section.Root;
        }

        return true;
    }
}
