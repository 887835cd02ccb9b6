using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using QbSync.Torrents;

namespace QbSync.Testing.Clients.Sim;

public sealed partial class FakeQBittorrentServer
{
    private FakeAnswer Add(FakeCall call)
    {
        if (call.Files.Count == 0)
        {
            return NothingAdded();
        }

        var generation = model.Generation;
        var seedMode = call.IsTrue(generation.SaysSeedMode ? "seedMode" : "skip_checking");
        List<string> added = [];
        foreach (var file in call.Files)
        {
            var (outcome, id) = model.Add(new SimAdd(file, call["savepath"] ?? "")
            {
                Category = call["category"] ?? "",
                Tags = [.. Tags(call).Select(static tag => tag.Trim())],
                IsSeedMode = seedMode,
                IsStopped = call.IsTrue(generation.SaysStop ? "stopped" : "paused"),
                IsManaged = call.IsTrue("autoTMM"),
                Layout = LayoutOf(call),
            });
            switch (outcome)
            {
                case SimAddOutcome.Garbage or SimAddOutcome.NotHeld:
                    return Text(HttpStatusCode.UnsupportedMediaType, "Error: 'torrents.torrent' is not a valid torrent file.");
                case SimAddOutcome.Present when !generation.IsOldest:
                    return NothingAdded();
            }

            added.Add(id);
        }

        return !generation.AnswersByStatus
            ? Text(HttpStatusCode.OK, "Ok.")
            : FakeAnswer.Json(new JsonObject
            {
                ["added_torrent_ids"] = new JsonArray([.. added.Select(static id => JsonValue.Create(id))]),
                ["failure_count"] = 0,
                ["pending_count"] = 0,
                ["success_count"] = added.Count,
            });
    }

    private FakeAnswer NothingAdded() => model.Generation.AnswersByStatus ? Refuse(HttpStatusCode.Conflict) : Text(HttpStatusCode.OK, "Fails.");

    private ContentLayout LayoutOf(FakeCall call) => model.Generation.Api < new Version(2, 7)
        ? call["root_folder"] == "false" ? ContentLayout.NoSubfolder : ContentLayout.Original
        : Enum.TryParse<ContentLayout>(call["contentLayout"], out var layout) ? layout : ContentLayout.Original;

    private FakeAnswer CreateCategory(FakeCall call)
    {
        var name = call["category"]!;
        if (name.Length == 0)
        {
            return Refuse(HttpStatusCode.BadRequest, "Category cannot be empty");
        }

        if (name.StartsWith('/') || name.EndsWith('/') || name.Contains("//", StringComparison.Ordinal) || name.Contains('\\', StringComparison.Ordinal))
        {
            return Refuse(HttpStatusCode.Conflict, "Incorrect category name");
        }

        return model.MakeCategory(name, call["savePath"] ?? "") ? Done() : Refuse(HttpStatusCode.Conflict, "Unable to create category");
    }

    private FakeAnswer SetPriorities(FakeCall call)
    {
        if (!int.TryParse(call["priority"], out var priority) || priority is not (0 or 1 or 6 or 7) && !(model.Generation.IsOldest && priority == 4))
        {
            return Refuse(HttpStatusCode.BadRequest, "Priority is not valid");
        }

        List<int> indices = [];
        foreach (var word in call["id"]!.Split('|'))
        {
            if (!int.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index))
            {
                return Refuse(HttpStatusCode.BadRequest, "File IDs must be integers");
            }

            indices.Add(index);
        }

        return Of(model.SetPriorities(call["hash"]!, indices, priority), "File ID is not valid");
    }

    private FakeAnswer Rename(FakeCall call) => model.Generation.RenamesByPath
        ? Of(model.Rename(call["hash"]!, call["oldPath"]!, call["newPath"]!), $"No such file: '{call["oldPath"]}'")
        : Refuse(HttpStatusCode.BadRequest);

    private FakeAnswer SetLocation(FakeCall call)
    {
        var location = call["location"]!.Trim();
        return location.Length == 0
            ? Refuse(HttpStatusCode.BadRequest, "Save path cannot be empty")
            : Of(model.SetLocation(call.Ids, location), "Cannot make save path");
    }

    private FakeAnswer SetShareLimits(FakeCall call)
    {
        var api = model.Generation.Api;
        var lacks = (api >= new Version(2, 9, 2) && call["inactiveSeedingTimeLimit"] is null) || (api >= new Version(2, 15, 3) && call["shareLimitsMode"] is null);
        if (lacks)
        {
            return Refuse(HttpStatusCode.BadRequest);
        }

        model.SetShareLimits(
            call.Ids,
            double.Parse(call["ratioLimit"]!, CultureInfo.InvariantCulture),
            int.Parse(call["seedingTimeLimit"]!, CultureInfo.InvariantCulture),
            int.Parse(call["inactiveSeedingTimeLimit"] ?? "-2", CultureInfo.InvariantCulture));
        return Done();
    }
}
