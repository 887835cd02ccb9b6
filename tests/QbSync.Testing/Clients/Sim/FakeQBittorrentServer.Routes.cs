using System.Net;
using System.Text.Json.Nodes;

namespace QbSync.Testing.Clients.Sim;

public sealed partial class FakeQBittorrentServer
{
    private static readonly Dictionary<string, Route> Routes = new()
    {
        ["app/webapiVersion"] = new(static (server, _, _) => server.Text(HttpStatusCode.OK, server.Model.Generation.Api.ToString())),
        ["app/version"] = new(static (server, _, _) => server.Text(HttpStatusCode.OK, "v" + server.Model.Generation.Product)),
        ["app/defaultSavePath"] = new(static (server, _, _) => server.Text(HttpStatusCode.OK, server.Model.Options.SavePath)),
        ["app/buildInfo"] = new(static (server, _, _) => FakeAnswer.Json(server._fields.Make(
            "build", new Dictionary<string, JsonNode?> { ["libtorrent"] = server.Model.Generation.Libtorrent }))),
        ["app/preferences"] = new(static (server, _, _) => FakeAnswer.Json(server.Preferences())),
        ["app/rotateAPIKey"] = Change(static (server, _) => server.MakeKey()) with { Exists = static generation => generation.HasKeys },
        ["log/main"] = new(static (server, call, _) => server.Log(call)),
        ["sync/maindata"] = new(static (server, call, session) => server.MainData(call, session)),
        ["torrents/info"] = new(static (server, call, _) => server.Info(call)),
        ["torrents/files"] = new(static (server, call, _) => server.OfTorrent(call, server.Files), "hash"),
        ["torrents/pieceStates"] = new(static (server, call, _) => server.OfTorrent(call, PieceStates), "hash"),
        ["torrents/pieceHashes"] = new(static (server, call, _) => server.OfTorrent(call, PieceHashes), "hash"),
        ["torrents/properties"] = new(static (server, call, _) => server.OfTorrent(call, server.Properties), "hash"),
        ["torrents/trackers"] = new(static (server, call, _) => server.OfTorrent(call, server.Trackers), "hash"),
        ["torrents/export"] = new(static (server, call, _) => server.OfTorrent(call, server.Export), "hash") { Exists = static generation => generation.Exports },
        ["torrents/categories"] = new(static (server, _, _) => FakeAnswer.Json(server.Model.Look(look => server.Categories(look)))),
        ["torrents/createCategory"] = Change(static (server, call) => server.CreateCategory(call), "category"),
        ["torrents/setCategory"] = Change(static (server, call) => server.Of(server.Model.SetCategory(call.Ids, call["category"]!), "Incorrect category name"), "hashes", "category"),
        ["torrents/add"] = Change(static (server, call) => server.Add(call)),
        ["torrents/addTags"] = Change(static (server, call) => server.Do(() => server.Model.AddTags(call.Ids, call["tags"]!.Split(','))), "hashes", "tags"),
        ["torrents/removeTags"] = Change(static (server, call) => server.Do(() => server.Model.RemoveTags(call.Ids, Tags(call))), "hashes"),
        ["torrents/recheck"] = Change(static (server, call) => server.Do(() => server.Model.Recheck(call.Ids)), "hashes"),
        ["torrents/stop"] = Change(static (server, call) => server.Do(() => server.Model.Stop(call.Ids)), "hashes") with { Exists = static generation => generation.SaysStop },
        ["torrents/start"] = Change(static (server, call) => server.Do(() => server.Model.Start(call.Ids)), "hashes") with { Exists = static generation => generation.SaysStop },
        ["torrents/pause"] = Change(static (server, call) => server.Do(() => server.Model.Stop(call.Ids)), "hashes") with { Exists = static generation => !generation.SaysStop },
        ["torrents/resume"] = Change(static (server, call) => server.Do(() => server.Model.Start(call.Ids)), "hashes") with { Exists = static generation => !generation.SaysStop },
        ["torrents/delete"] = Change(static (server, call) => server.Do(() => server.Model.Delete(call.Ids, call.IsTrue("deleteFiles"))), "hashes", "deleteFiles"),
        ["torrents/filePrio"] = Change(static (server, call) => server.SetPriorities(call), "hash", "id", "priority"),
        ["torrents/renameFile"] = Change(static (server, call) => server.Rename(call), "hash", "oldPath", "newPath"),
        ["torrents/setLocation"] = Change(static (server, call) => server.SetLocation(call), "hashes", "location"),
        ["torrents/setShareLimits"] = Change(static (server, call) => server.SetShareLimits(call), "hashes", "ratioLimit", "seedingTimeLimit"),
        ["torrents/setUploadLimit"] = Change(static (server, _) => server.Done(), "hashes", "limit"),
        ["torrents/setDownloadLimit"] = Change(static (server, _) => server.Done(), "hashes", "limit"),
    };

    private static Route Change(Func<FakeQBittorrentServer, FakeCall, FakeAnswer> answer, params string[] required) =>
        new((server, call, _) => answer(server, call), required) { IsChange = true };

    private static IEnumerable<string> Tags(FakeCall call) => (call["tags"] ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries);

    private FakeAnswer Do(Action act)
    {
        act();
        return Done();
    }

    /// <summary>An endpoint.</summary>
    private sealed record Route(Func<FakeQBittorrentServer, FakeCall, FakeSession, FakeAnswer> Answer, params string[] Required)
    {
        /// <summary>Whether only a POST will do.</summary>
        public bool IsChange { get; init; }

        public Func<SimGeneration, bool> Exists { get; init; } = static _ => true;
    }
}
