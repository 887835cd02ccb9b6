using System.CommandLine;
using QbSync.Host.Commands.Check;
using QbSync.Host.Configuration;
using QbSync.Host.Lifetime;
using QbSync.Storage.Inspection;
using QbSync.Torrents;

namespace QbSync.Host.Commands;

/// <summary><c>qbsync check</c>: reads content back from the disk and compares it with its manifests. Works beside a running destination.</summary>
internal static class CheckCommand
{
    private const long MostTorrentBytes = 100 << 20;
    private static readonly HashSet<string> Names = ["data", "state-dir", "scrub-rate"];

    public static Command Create()
    {
        var hashes = new Argument<string[]>("HASH") { Description = "Torrents of the destination.", Arity = ArgumentArity.ZeroOrMore };
        var all = new Option<bool>("--all") { Description = "Every torrent of the destination." };
        var torrent = new Option<string?>("--torrent") { Description = "A .torrent, whose content is at --path; needs no configuration.", HelpName = "FILE" };
        var path = new Option<string?>("--path") { Description = "The folder with that content.", HelpName = "DIR" };
        var cached = new Option<bool>("--cached") { Description = "Take what the system has in memory, instead of reading the disk." };
        var extra = new Option<bool>("--extra") { Description = "Tell files in a torrent's folder that are not the torrent's." };
        var rate = new Option<string?>("--rate-limit") { Description = "Bytes a second, like 20MiB/s; 0 for no limit. Default: scrub-rate.", HelpName = "RATE" };
        var json = new Option<bool>("--json") { Description = "Answer with one JSON document." };
        var data = new Option<string?>("--data") { Description = "The destination's data folder." };
        var state = new Option<string?>("--state-dir") { Description = "Its state folder. Default: .qbsync in data." };
        var config = new Option<string?>("--config") { Description = ConfigFile.FlagHelp };
        var command = new Command(
            "check",
            "Read content back from the disk and compare it with its manifests. Marks: = good, * differs, - missing, ! unreadable, + not the torrent's. Nothing of it is changed.")
        {
            hashes, all, torrent, path, cached, extra, rate, json, data, state, config,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            var given = result.GetValue(hashes) ?? [];
            var ways = (given.Length > 0 ? 1 : 0) + (result.GetValue(all) ? 1 : 0) + (result.GetValue(torrent) is not null ? 1 : 0);
            if (ways != 1 || (result.GetValue(torrent) is null) != (result.GetValue(path) is null))
            {
                return await RefuseAsync("Give hashes, or --all, or --torrent FILE with --path DIR.");
            }

            if (Array.Find(given, static hash => !InfoHash.TryParse(hash, out _)) is { } wrong)
            {
                return await RefuseAsync($"{wrong} is no hash: it has 40 or 64 hexadecimal digits.");
            }

            var flags = new Dictionary<string, IReadOnlyList<string>>();
            foreach (var (name, value) in new[] { ("data", result.GetValue(data)), ("state-dir", result.GetValue(state)), ("scrub-rate", result.GetValue(rate)) })
            {
                if (value is not null)
                {
                    flags[name] = [value];
                }
            }

            var errors = new OptionErrors();
            var environment = EnvironmentVariables.Read();
            var values = new OptionReader(
                Roles.Destination, new OptionSources(flags, environment, ConfigFile.Find(result.GetValue(config), environment, errors)), errors, Names).Read();
            if (errors.All.Count > 0)
            {
                return await RefuseAsync(string.Join(Environment.NewLine, errors.All));
            }

            var check = new ContentCheck(TimeProvider.System) { Cached = result.GetValue(cached), WithExtra = result.GetValue(extra), RateLimit = values.Bytes("scrub-rate") };
            var shown = new Shown(result.GetValue(json));
            try
            {
                var run = new CheckRun(check, TimeProvider.System, Console.Error.WriteLine);
                return result.GetValue(torrent) is { } file
                    ? await CheckFileAsync(run, file, result.GetValue(path)!, shown, cancellationToken)
                    : await CheckStoredAsync(run, values, TrustSettings.FindStateDirectory(Roles.Destination, values, environment), given, shown, cancellationToken);
            }
            catch (Exception error) when (error is StorageException or IOException or UnauthorizedAccessException)
            {
                await Console.Error.WriteLineAsync(error.Message);
                return ExitCodes.CouldNotStart;
            }
        });
        return command;
    }

    private static async Task<int> CheckFileAsync(CheckRun run, string file, string folder, Shown shown, CancellationToken cancellationToken)
    {
        if (new FileInfo(file) is not { Exists: true, Length: <= MostTorrentBytes } || !Directory.Exists(folder))
        {
            return await RefuseAsync(File.Exists(file) ? $"{folder} is not a folder, or {file} is too large for a .torrent." : $"{file} is not there.");
        }

        TorrentManifest manifest;
        try
        {
            manifest = TorrentManifest.Parse(await File.ReadAllBytesAsync(file, cancellationToken));
        }
        catch (TorrentFormatException error)
        {
            return await RefuseAsync($"{file} is no .torrent: {error.Message}");
        }

        shown.Add(await run.RunAsync(manifest, Path.GetFullPath(folder), cancellationToken));
        return shown.End();
    }

    private static async Task<int> CheckStoredAsync(
        CheckRun run, OptionValues values, string stateDirectory, IReadOnlyList<string> hashes, Shown shown, CancellationToken cancellationToken)
    {
        if (values.TextOrNull("data") is not { } data || stateDirectory.Length == 0)
        {
            return await RefuseAsync("Whose torrents? Give --data of the destination, and --state-dir if that is elsewhere.");
        }

        if (!Directory.Exists(data) || !Directory.Exists(stateDirectory))
        {
            await Console.Error.WriteLineAsync($"{(Directory.Exists(data) ? stateDirectory : data)} is not there: is its disk mounted?");
            return ExitCodes.CouldNotStart;
        }

        if (StateLook.Of(stateDirectory, data).Root is RootMatch.NoMarker or RootMatch.Other)
        {
            await Console.Error.WriteLineAsync($"{data} is not the data folder that {stateDirectory} knows: is its disk mounted?");
            return ExitCodes.CouldNotStart;
        }

        var (torrents, verdicts) = (new StoredTorrents(stateDirectory, data), new CheckVerdicts(stateDirectory));
        var isUnknown = false;
        foreach (var id in hashes.Count > 0 ? hashes.Select(InfoHash.Parse) : torrents.List())
        {
            if (await run.RunAsync(torrents, verdicts, id, cancellationToken) is { } found)
            {
                shown.Add(found);
            }
            else if (hashes.Count > 0)
            {
                await Console.Error.WriteLineAsync($"{id} is not known here.");
                isUnknown = true;
            }
        }

        var code = shown.End();
        return isUnknown ? ExitCodes.BadAnswer : code;
    }

    private static async Task<int> RefuseAsync(string problem)
    {
        await Console.Error.WriteLineAsync(problem);
        return ExitCodes.Usage;
    }

    /// <summary>Lines as soon as they are known, or one document at the end.</summary>
    private sealed class Shown(bool asJson)
    {
        private readonly List<CheckedTorrent> _torrents = [];

        public void Add(CheckedTorrent torrent)
        {
            _torrents.Add(torrent);
            foreach (var line in asJson ? [] : CheckReport.ToLines(torrent))
            {
                Console.WriteLine(line);
            }
        }

        public int End()
        {
            Console.WriteLine(asJson ? CheckReport.ToJson(_torrents) : CheckReport.Sum(_torrents));
            return _torrents.Exists(static torrent => torrent.IsBad) ? ExitCodes.BadAnswer : ExitCodes.Done;
        }
    }
}
