using System.Globalization;
using System.Text.Json.Nodes;

namespace QbSync.Testing.Clients.Sim;

public sealed partial class FakeQBittorrentServer
{
    // What is told belongs to the login, or to the key: whoever else uses it takes deltas away.
    private FakeAnswer MainData(FakeCall call, FakeSession session)
    {
        var now = model.Look(Everything);
        lock (_gate)
        {
            var isDelta = int.TryParse(call["rid"], NumberStyles.None, CultureInfo.InvariantCulture, out var rid)
                && rid > 0 && rid == session.Rid && session.Told is not null;
            var answer = isDelta ? Delta(session.Told!, now) : Full(now);
            session.Rid = isDelta || model.Generation.SaysStop ? session.Rid + 1 : 1;
            session.Told = now;
            answer["rid"] = session.Rid;
            return FakeAnswer.Json(new JsonObject(
                answer.OrderBy(static field => field.Key, StringComparer.Ordinal).Select(static field => KeyValuePair.Create(field.Key, field.Value?.DeepClone()))));
        }
    }

    private JsonObject Everything(SimClientModel.SimLook look)
    {
        var everything = new JsonObject
        {
            ["categories"] = Categories(look),
            ["tags"] = new JsonArray([.. look.Tags.Select(static tag => JsonValue.Create(tag))]),
            ["server_state"] = _fields.Make("server", new Dictionary<string, JsonNode?>
            {
                ["free_space_on_disk"] = model.Options.FreeBytes,
                ["refresh_interval"] = (long)model.Options.Tick.TotalMilliseconds,
            }),
        };
        var torrents = new JsonObject();
        var trackers = new JsonObject();
        foreach (var torrent in look.Torrents)
        {
            var entry = _fields.Make("torrent", Record(look, torrent), "hash");
            foreach (var (name, value) in _fields.Make("entry"))
            {
                entry[name] = value?.DeepClone();
            }

            torrents[torrent.Id] = new JsonObject(
                entry.OrderBy(static field => field.Key, StringComparer.Ordinal).Select(static field => KeyValuePair.Create(field.Key, field.Value?.DeepClone())));
            if (Announce(torrent) is { } url)
            {
                trackers[url] = new JsonArray(torrent.Id);
            }
        }

        everything["torrents"] = torrents;
        if (!model.Generation.IsOldest)
        {
            everything["trackers"] = trackers;
        }

        return everything;
    }

    private JsonObject Categories(SimClientModel.SimLook look) => new(look.Categories.Select(item => KeyValuePair.Create<string, JsonNode?>(
        item.Key, _fields.Make("category", new Dictionary<string, JsonNode?> { ["name"] = item.Key, ["savePath"] = item.Value }))));

    // From 5.0 on empty lists are left out.
    private JsonObject Full(JsonObject now)
    {
        var answer = (JsonObject)now.DeepClone();
        answer["full_update"] = true;
        foreach (var empty in answer.Where(static field => field.Value is JsonObject { Count: 0 } or JsonArray { Count: 0 }).Select(static field => field.Key).ToList())
        {
            if (model.Generation.SaysStop)
            {
                answer.Remove(empty);
            }
        }

        return answer;
    }

    private static JsonObject Delta(JsonObject before, JsonObject now)
    {
        var answer = new JsonObject();
        foreach (var list in new[] { "torrents", "categories", "trackers" })
        {
            if (now[list] is JsonObject current)
            {
                AddChanges(answer, list, before[list]!.AsObject(), current);
            }
        }

        var state = Changed(before["server_state"]!.AsObject(), now["server_state"]!.AsObject());
        if (state.Count > 0)
        {
            answer["server_state"] = state;
        }

        List<string> oldTags = Names(before), newTags = Names(now);
        AddNames(answer, "tags", newTags.Except(oldTags));
        AddNames(answer, "tags_removed", oldTags.Except(newTags));
        return answer;

        static List<string> Names(JsonObject from) => [.. from["tags"]!.AsArray().Select(static tag => tag!.GetValue<string>())];
    }

    private static void AddChanges(JsonObject answer, string list, JsonObject before, JsonObject now)
    {
        var changed = new JsonObject();
        foreach (var (key, value) in now)
        {
            var old = before[key];
            var entry = old is JsonObject known && value is JsonObject current ? Changed(known, current) : JsonNode.DeepEquals(old, value) ? new JsonObject() : value?.DeepClone();
            if (entry is not JsonObject { Count: 0 })
            {
                changed[key] = entry;
            }
        }

        if (changed.Count > 0)
        {
            answer[list] = changed;
        }

        AddNames(answer, list + "_removed", before.Select(static item => item.Key).Where(key => !now.ContainsKey(key)));
    }

    private static JsonObject Changed(JsonObject before, JsonObject now) => new(now
        .Where(field => !JsonNode.DeepEquals(before[field.Key], field.Value))
        .Select(static field => KeyValuePair.Create(field.Key, field.Value?.DeepClone())));

    private static void AddNames(JsonObject answer, string name, IEnumerable<string> names)
    {
        var list = new JsonArray([.. names.Select(static item => JsonValue.Create(item))]);
        if (list.Count > 0)
        {
            answer[name] = list;
        }
    }
}
