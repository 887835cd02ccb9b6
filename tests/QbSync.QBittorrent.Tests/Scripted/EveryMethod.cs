using System.Net;
using System.Reflection;
using QbSync.Ports;
using QbSync.QBittorrent.Models;
using QbSync.Torrents;
using static QbSync.QBittorrent.Tests.Scripted.ScriptedClient;

namespace QbSync.QBittorrent.Tests.Scripted;

/// <summary>Calls a port's methods by reflection, so that a new one is not forgotten, over a server that answers each of them.</summary>
internal static class EveryMethod
{
    public static IEnumerable<MethodInfo> Of<T>() => typeof(T).GetMethods().Where(static method => !method.IsSpecialName);

    /// <summary>Calls it with arguments that pass its guards.</summary>
    public static async Task CallAsync(object target, MethodInfo method, CancellationToken cancellationToken, ClientTorrentId[]? ids = null)
    {
        object? result;
        try
        {
            result = method.Invoke(target, [.. method.GetParameters().Select(parameter => Argument(parameter, cancellationToken, ids ?? [Id]))]);
        }
        catch (TargetInvocationException exception)
        {
            throw exception.InnerException!;
        }

        var task = result as Task ?? (Task)(result is ValueTask plain ? plain.AsTask() : result!.GetType().GetMethod(nameof(ValueTask.AsTask))!.Invoke(result, null)!);
        await task;
    }

    /// <summary>Makes the server answer each endpoint that a method asks.</summary>
    public static void Answer(ScriptedServer server)
    {
        var status = $$"""{"hash":"{{Id}}","name":"n","state":"stoppedUP","progress":1,"amount_left":0,"save_path":"/d","tags":"","category":""}""";
        var answers = new Dictionary<string, string>
        {
            ["sync/maindata"] = """{"rid":1,"full_update":true}""",
            ["torrents/info"] = $"[{status}]",
            ["torrents/pieceStates"] = "[2]",
            ["torrents/categories"] = "{}",
            ["torrents/properties"] = "{}",
            ["torrents/export"] = "d4:infodee",
            ["torrents/add"] = "Ok.",
        };
        foreach (var endpoint in new[]
        {
            "sync/maindata", "torrents/info", "torrents/files", "torrents/pieceStates", "torrents/pieceHashes", "torrents/properties", "torrents/trackers",
            "torrents/export", "torrents/add", "torrents/stop", "torrents/start", "torrents/recheck", "torrents/addTags", "torrents/removeTags",
            "torrents/categories", "torrents/createCategory", "torrents/setCategory", "torrents/setShareLimits", "torrents/filePrio", "torrents/renameFile",
            "torrents/setLocation", "torrents/delete", "torrents/setUploadLimit", "torrents/setDownloadLimit", "log/main",
        })
        {
            server.Always(endpoint, HttpStatusCode.OK, answers.GetValueOrDefault(endpoint, "[]"));
        }
    }

    private static object? Argument(ParameterInfo parameter, CancellationToken cancellationToken, ClientTorrentId[] ids) => parameter.ParameterType switch
    {
        var type when type == typeof(CancellationToken) => cancellationToken,
        var type when type == typeof(ClientTorrentId) => ids.Length > 0 ? ids[0] : Id,
        var type when type == typeof(IReadOnlyCollection<ClientTorrentId>) => ids,
        var type when type == typeof(IReadOnlyCollection<string>) => new[] { "a" },
        var type when type == typeof(IReadOnlyCollection<int>) => new[] { 0 },
        var type when type == typeof(InfoHash) => InfoHash.Parse(Id.Value),
        var type when type == typeof(string) => parameter.Name is "location" or "savePath" ? "/d" : parameter.Name!,
        var type when type == typeof(int) => 1,
        var type when type == typeof(ShareLimits) => new ShareLimits(default, default, default),
        var type when type == typeof(AddTorrentForm) => new AddTorrentForm { Torrent = "d4:infodee"u8.ToArray(), FileName = "a.torrent", SavePath = "/d" },
        var type when type == typeof(AddTorrentRequest) => new AddTorrentRequest { Torrent = "d4:infodee"u8.ToArray(), SavePath = "/d" },
        var type when type.IsValueType => Activator.CreateInstance(type),
        var type => throw new NotSupportedException($"There is no argument of {type} yet."),
    };
}
