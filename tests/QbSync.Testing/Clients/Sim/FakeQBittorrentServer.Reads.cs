using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using QbSync.Pieces;

namespace QbSync.Testing.Clients.Sim;

public sealed partial class FakeQBittorrentServer
{
    private FakeAnswer OfTorrent(FakeCall call, Func<SimClientModel.SimLook, SimTorrent, FakeAnswer> answer) =>
        model.Look(look => look.Find(call["hash"]!) is { } torrent ? answer(look, torrent) : Refuse(HttpStatusCode.NotFound));

    private FakeAnswer Info(FakeCall call) => model.Look(look =>
    {
        var wanted = call["hashes"] is null ? null : call.Ids.ToHashSet();
        return FakeAnswer.Json(new JsonArray(
            [.. look.Torrents.Where(torrent => wanted is null || wanted.Contains(torrent.Id)).Select(torrent => _fields.Make("torrent", Record(look, torrent)))]));
    });

    private Dictionary<string, JsonNode?> Record(SimClientModel.SimLook look, SimTorrent torrent)
    {
        var manifest = torrent.Manifest;
        var isOld = model.Generation.IsOldest;
        var savePath = isOld ? torrent.SavePath + "/" : torrent.SavePath;
        var left = look.AmountLeft(torrent);
        var rootPath = manifest.HasRootFolder ? $"{torrent.SavePath}/{torrent.Paths[0].Split('/')[0]}" : "";
        return new Dictionary<string, JsonNode?>
        {
            ["added_on"] = torrent.AddedAt.ToUnixTimeSeconds(),
            ["amount_left"] = left,
            ["auto_tmm"] = torrent.IsManaged,
            ["availability"] = left == 0 ? -1 : 0,
            ["category"] = torrent.Category,
            ["completed"] = torrent.SelectedSize - left,
            ["completion_on"] = torrent.CompletedAt?.ToUnixTimeSeconds() ?? (isOld ? 0 : -1),
            ["content_path"] = rootPath.Length > 0 ? rootPath : $"{torrent.SavePath}/{torrent.Paths[0]}",
            ["hash"] = torrent.Id,
            ["infohash_v1"] = manifest.V1.Length > 0 ? manifest.V1.ToString() : "",
            ["infohash_v2"] = manifest.V2.Length > 0 ? manifest.V2.ToString() : "",
            ["inactive_seeding_time_limit"] = torrent.InactiveMinutesLimit,
            ["last_activity"] = torrent.AddedAt.ToUnixTimeSeconds(),
            ["magnet_uri"] = $"magnet:?xt=urn:btih:{torrent.Id}&dn={Uri.EscapeDataString(manifest.Name)}",
            ["name"] = manifest.Name,
            ["piece_size"] = manifest.PieceLength,
            ["pieces_have"] = torrent.Have.Count,
            ["pieces_num"] = manifest.PieceCount,
            ["private"] = manifest.IsPrivate,
            ["progress"] = look.Progress(torrent),
            ["ratio_limit"] = torrent.RatioLimit,
            ["root_path"] = rootPath,
            ["save_path"] = savePath,
            ["seeding_time_limit"] = torrent.SeedingMinutesLimit,
            ["size"] = torrent.SelectedSize,
            ["state"] = look.State(torrent),
            ["tags"] = string.Join(", ", torrent.Tags),
            ["total_size"] = manifest.Length,
        };
    }

    private FakeAnswer Files(SimClientModel.SimLook look, SimTorrent torrent)
    {
        var list = new JsonArray();
        var layout = new PieceLayout(torrent.Manifest, QbSync.Torrents.Selection.All(torrent.Manifest));
        var isSeed = look.AmountLeft(torrent) == 0;
        foreach (var (position, index) in look.Files(torrent).Index())
        {
            var file = torrent.Manifest.Files[index];
            var (first, count) = layout.GetPieces(file);
            var held = Enumerable.Range(first, count).Count(piece => torrent.Have[piece]);
            var progress = count == 0 ? 1 : (double)held / count;
            var priority = torrent.Priorities[index] == 1 && model.Generation.IsOldest ? 4 : torrent.Priorities[index];
            var entry = _fields.Make("file", new Dictionary<string, JsonNode?>
            {
                ["availability"] = progress < 1 ? 0 : -1,
                ["index"] = position,
                ["name"] = torrent.Paths[index],
                ["piece_range"] = new JsonArray(first, first + count - 1),
                ["priority"] = priority,
                ["progress"] = progress,
                ["size"] = file.Length,
            });
            if (position == 0)
            {
                entry["is_seed"] = isSeed;
            }

            list.Add(entry);
        }

        return FakeAnswer.Json(list);
    }

    private static FakeAnswer PieceStates(SimClientModel.SimLook look, SimTorrent torrent) => FakeAnswer.Json(new JsonArray(
        [.. Enumerable.Range(0, torrent.Have.Length).Select(piece => JsonValue.Create(torrent.Have[piece] ? 2 : 0))]));

    private static FakeAnswer PieceHashes(SimClientModel.SimLook look, SimTorrent torrent) => FakeAnswer.Json(new JsonArray(
        [.. Enumerable.Range(0, torrent.Manifest.PieceCount).Select(piece => JsonValue.Create(Convert.ToHexStringLower(torrent.Manifest.GetPieceHash(piece) is var hash && hash.Sha1.Length > 0 ? hash.Sha1.Span : hash.MerkleRoot.Span[..20])))]));

    private FakeAnswer Properties(SimClientModel.SimLook look, SimTorrent torrent)
    {
        var values = Record(look, torrent);
        values["addition_date"] = torrent.AddedAt.ToUnixTimeSeconds();
        values["completion_date"] = torrent.CompletedAt?.ToUnixTimeSeconds() ?? -1;
        values["is_private"] = torrent.Manifest.IsPrivate;
        return FakeAnswer.Json(_fields.Make("properties", values));
    }

    private FakeAnswer Trackers(SimClientModel.SimLook look, SimTorrent torrent)
    {
        JsonNode tier = model.Generation.IsOldest ? "" : -1;
        var list = new JsonArray([.. new[] { "DHT", "PeX", "LSD" }.Select(name => _fields.Make("pseudo", new Dictionary<string, JsonNode?>
        {
            ["url"] = $"** [{name}] **",
            ["tier"] = tier,
            ["msg"] = torrent.Manifest.IsPrivate ? "This torrent is private" : "",
        }))]);
        if (Announce(torrent) is { } url)
        {
            list.Add(_fields.Make("tracker", new Dictionary<string, JsonNode?> { ["url"] = url, ["status"] = 1 }));
        }

        return FakeAnswer.Json(list);
    }

    private FakeAnswer Export(SimClientModel.SimLook look, SimTorrent torrent) =>
        new(HttpStatusCode.OK, model.Generation.SaysStop ? "application/x-bittorrent" : "text/plain; charset=UTF-8", torrent.Bytes.ToArray());

    private JsonObject Preferences() => _fields.Make("preferences", new Dictionary<string, JsonNode?>
    {
        ["save_path"] = model.Generation.IsOldest ? model.Options.SavePath + "/" : model.Options.SavePath,
        ["temp_path"] = model.Options.SavePath + "/temp",
        ["refresh_interval"] = (long)model.Options.Tick.TotalMilliseconds,
        ["web_ui_port"] = options.Url.Port,
        ["web_ui_username"] = options.Username,
    });

    private FakeAnswer Log(FakeCall call)
    {
        var after = long.TryParse(call["last_known_id"], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var id) ? id : -1;
        var line = _fields.Make("log", new Dictionary<string, JsonNode?> { ["message"] = $"qBittorrent v{model.Generation.Product} started" });
        return FakeAnswer.Json(after < 0 ? new JsonArray(line) : []);
    }

    // The first key of a .torrent that has a tracker.
    private static string? Announce(SimTorrent torrent)
    {
        var text = System.Text.Encoding.Latin1.GetString(torrent.Bytes.Span);
        if (!text.StartsWith("d8:announce", StringComparison.Ordinal))
        {
            return null;
        }

        var colon = text.IndexOf(':', 11);
        return text.Substring(colon + 1, int.Parse(text.AsSpan(11, colon - 11), NumberStyles.None, CultureInfo.InvariantCulture));
    }
}
