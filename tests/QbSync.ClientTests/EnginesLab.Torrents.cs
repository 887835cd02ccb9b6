using System.Globalization;
using System.Text.Json;
using QbSync.Host.Commands.Demo;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.ClientTests;

/// <summary>What people do with torrents at the clients, and what is to be seen of them.</summary>
internal sealed partial class EnginesLab
{
    /// <summary>Adds a torrent whose content lies at the source already, as if it had been downloaded, and lets it seed.</summary>
    /// <param name="torrent">The torrent.</param>
    /// <param name="fields">Of the client's add, where they are to be others.</param>
    public Task<ClientTorrentId> SeedAsync(BuiltTorrent torrent, params (string Name, string Value)[] fields) => SeedAsync(torrent, null, fields);

    /// <param name="torrent">The torrent.</param>
    /// <param name="beforeStart">What is done while it is stopped.</param>
    /// <param name="fields">Of the client's add, where they are to be others.</param>
    public async Task<ClientTorrentId> SeedAsync(BuiltTorrent torrent, Func<ClientTorrentId, Task>? beforeStart, params (string Name, string Value)[] fields)
    {
        torrent.WriteContent(fields.FirstOrDefault(static field => field.Name == "savepath").Value ?? Source.SavePath);
        return await AddAsync(Source, SourceClient, torrent, beforeStart, [("skip_checking", "true"), .. fields]);
    }

    /// <summary>Adds a torrent whose content was put in its place by the test.</summary>
    public Task<ClientTorrentId> AddSeedAsync(BuiltTorrent torrent) => AddAsync(Source, SourceClient, torrent, null, ("skip_checking", "true"));

    /// <summary>Adds a torrent at the source that comes from a third client, not too fast.</summary>
    public async Task<ClientTorrentId> DownloadAsync(
        BuiltTorrent torrent, int bytesPerSecond, Func<ClientTorrentId, Task>? beforeStart = null, params (string Name, string Value)[] fields)
    {
        var (seeder, from) = await GetSeederAsync();
        torrent.WriteContent(seeder.SavePath);
        await AddAsync(seeder, from, torrent, null, ("skip_checking", "true"));
        var id = await AddAsync(
            Source, SourceClient, torrent, beforeStart, [("dlLimit", bytesPerSecond.ToString(CultureInfo.InvariantCulture)), .. fields]);
        await MeetSeederAsync(id);
        return id;
    }

    /// <summary>Lets a download that was kept slow, so that something could happen in its middle on any machine, come to its end.</summary>
    public Task HurryAsync(ClientTorrentId id) => Person.LimitAsync(Source, id, 0);

    /// <summary>Tells the source's client of the third one until bytes come.</summary>
    public async Task MeetSeederAsync(ClientTorrentId id)
    {
        var (seeder, _) = await GetSeederAsync();
        await Person.MeetAsync(Source, SourceClient, id, seeder);
    }

    /// <summary>Deselects, or selects again, files of the source's torrent by the end of their names.</summary>
    public async Task SelectAsync(ClientTorrentId id, bool wanted, params string[] names)
    {
        var files = await SourceClient.GetFilesAsync(id, CancellationToken.None);
        int[] indices = [.. files.Where(file => names.Any(name => file.Path.EndsWith(name, StringComparison.Ordinal))).Select(static file => file.Index)];
        await SourceClient.SelectAsync(id, indices, wanted, CancellationToken.None);
    }

    public Task<TorrentStatus?> FindHereAsync(BuiltTorrent torrent) => SourceClient.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None).AsTask();

    public Task<TorrentStatus?> FindThereAsync(BuiltTorrent torrent) =>
        DestinationClient.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None).AsTask();

    /// <summary>Waits until the source shows a state of a torrent.</summary>
    public Task ReachesAsync(BuiltTorrent torrent, string state, TimeSpan? limit = null) => Until(
        () => Task.FromResult(Progress(torrent)?.State == state), limit, torrent, $"{torrent.Name} is {state}");

    /// <summary>Waits until a torrent is tagged as synced on both sides.</summary>
    public Task SyncedAsync(BuiltTorrent torrent, TimeSpan? limit = null) => Until(
        async () => await FindThereAsync(torrent) is { } there && there.Tags.Contains("synced")
            && await FindHereAsync(torrent) is { } here && here.Tags.Contains("synced"),
        limit,
        torrent,
        $"{torrent.Name} has the tag synced on both sides");

    public async Task Until(Func<Task<bool>> condition, TimeSpan? limit, BuiltTorrent torrent, string what)
    {
        try
        {
            await Eventually.BecomesTrueAsync(condition, limit, what);
        }
        catch (TimeoutException late)
        {
            AssertClientsRun();
            var logs = SourceLogs.Entries.Concat(DestinationLogs.Entries).Where(entry => entry.ToString().Contains(torrent.Name, StringComparison.Ordinal));
            var trackers = await FindThereAsync(torrent) is { } found ? await DestinationClient.GetTrackersAsync(found.Id, CancellationToken.None) : [];
            Assert.Fail(
                $"{late.Message}\nannounces: {Tracker.Tell(torrent)}; {string.Join(", ", trackers.Select(static tracker => tracker.Status))}\nsource engine: {Progress(torrent)}\nhere: {await FindHereAsync(torrent)}\nthere: {await FindThereAsync(torrent)}\n{string.Join('\n', logs.TakeLast(40))}");
        }
    }

    /// <summary>What is to hold after a sync: equal bytes in the same folder, complete and stopped there, active here.</summary>
    /// <param name="folder">Below both save paths.</param>
    public async Task AssertSyncedAsync(BuiltTorrent torrent, string folder = "", Func<BuiltFile, bool>? only = null)
    {
        TorrentStatus? here = null;
        await Until(async () => (here = await FindHereAsync(torrent)) is { IsActive: true }, null, torrent, "it is active here");
        var there = (await FindThereAsync(torrent))!;
        Assert.Multiple(() =>
        {
            Assert.That(torrent.FindDifference(Path.Combine(Destination.SavePath, folder), only), Is.Null);
            AssertEnds(torrent, here!, there, folder);
        });
    }

    /// <summary>States, folders and marks after a sync, whatever the files' names.</summary>
    public void AssertEnds(BuiltTorrent torrent, TorrentStatus here, TorrentStatus there, string folder = "")
    {
        Assert.That(there.State, Is.EqualTo(ClientTorrentState.StoppedUp), torrent.Name);
        Assert.That((there.Progress, there.AmountLeft), Is.EqualTo((1.0, 0L)), torrent.Name);
        Assert.That(there.SavePath.TrimEnd('/'), Is.EqualTo(Path.Combine(Destination.SavePath, folder).TrimEnd('/')), torrent.Name);
        Assert.That(there.Category, Is.EqualTo(here.Category), torrent.Name);
        Assert.That(there.Tags, Does.Contain("synced"), torrent.Name);
        Assert.That(here.Tags, Does.Contain("synced"), torrent.Name);
        Assert.That(here.IsActive && here.IsComplete, Is.True, $"{torrent.Name} is {here.RawState} at the source");
    }

    /// <summary>A value of a client's own view of a torrent, as the WebUI shows it.</summary>
    public static async Task<JsonElement> GetPropertiesAsync(QBittorrentInstance instance, ClientTorrentId id)
    {
        using var document = JsonDocument.Parse(await instance.GetAsync($"torrents/properties?hash={id.Value}", CancellationToken.None));
        return document.RootElement.Clone();
    }

    /// <summary>Names that a client shows for a torrent's real files, in order, without pads.</summary>
    public static async Task<string[]> ListNamesAsync(ITorrentClient client, ClientTorrentId id) =>
        [.. (await client.GetFilesAsync(id, CancellationToken.None)).Select(static file => file.Path).Where(static path => !path.Contains(".pad/", StringComparison.Ordinal))];

    private static async Task<ClientTorrentId> AddAsync(
        QBittorrentInstance instance, ITorrentClient client, BuiltTorrent torrent, Func<ClientTorrentId, Task>? beforeStart, params (string Name, string Value)[] fields)
    {
        await Person.AddAsync(instance, torrent, fields);
        TorrentStatus? status = null;
        await Eventually.BecomesTrueAsync(
            async () => (status = await client.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None)) is { IsChecking: false, IsStopped: true },
            expression: $"{torrent.Name} is listed");
        await (beforeStart?.Invoke(status!.Id) ?? Task.CompletedTask);
        await client.StartAsync([status!.Id], force: true, CancellationToken.None);
        return status.Id;
    }

    private async Task<(QBittorrentInstance Instance, ITorrentClient Client)> GetSeederAsync()
    {
        await _seederGate.WaitAsync();
        try
        {
            _seeder ??= await StartClientAsync("seeder", null);
            return (_seeder, _seederClient ??= Connect(_seeder));
        }
        finally
        {
            _seederGate.Release();
        }
    }
}
