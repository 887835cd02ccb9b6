using System.Globalization;
using System.Text.Json;
using QbSync.Host.Commands.Demo;
using QbSync.Ports;

namespace QbSync.ClientTests;

/// <summary>What a person does in a client's WebUI, with the client's own defaults where nothing is said.</summary>
internal static class Person
{
    /// <summary>Sends a form.</summary>
    public static Task PostAsync(QBittorrentInstance instance, string endpoint, params (string Name, string Value)[] fields) =>
        instance.PostAsync(endpoint, fields.ToDictionary(static field => field.Name, static field => field.Value), CancellationToken.None);

    /// <summary>Tells a client of a peer until bytes come.</summary>
    public static Task MeetAsync(QBittorrentInstance instance, ITorrentClient client, ClientTorrentId id, QBittorrentInstance peer) => TellAsync(
        instance,
        id,
        peer,
        async () => (await client.GetAsync([id], CancellationToken.None)) is [{ State: ClientTorrentState.Downloading or ClientTorrentState.ForcedDl, CompletedBytes: > 0 } or { IsComplete: true }],
        "the client downloads from its peer");

    /// <summary>Tells a client of a peer until something is so: one try may be lost, and of two that have all they want neither stays connected.</summary>
    public static async Task TellAsync(QBittorrentInstance instance, ClientTorrentId id, QBittorrentInstance peer, Func<Task<bool>> isSo, string what)
    {
        var told = 0L;
        await Eventually.BecomesTrueAsync(
            async () =>
            {
                if (told == 0 || TimeProvider.System.GetElapsedTime(told) > TimeSpan.FromSeconds(1))
                {
                    told = TimeProvider.System.GetTimestamp();
                    await instance.AddPeerAsync(id.Value, peer, CancellationToken.None);
                }

                return await isSo();
            },
            expression: what);
    }

    /// <summary>Says how fast a torrent may come; 0 for no limit.</summary>
    public static Task LimitAsync(QBittorrentInstance instance, ClientTorrentId id, int bytesPerSecond) =>
        PostAsync(instance, "torrents/setDownloadLimit", ("hashes", id.Value), ("limit", bytesPerSecond.ToString(CultureInfo.InvariantCulture)));

    /// <summary>
    /// Adds a torrent, stopped. Unlike the product, which keeps what it adds where it puts it, this leaves temporary folder, layout and management to the client.
    /// </summary>
    public static async Task AddAsync(QBittorrentInstance instance, BuiltTorrent torrent, params (string Name, string Value)[] fields)
    {
        using var http = new HttpClient { BaseAddress = instance.Url };
        using var login = new FormUrlEncodedContent(new Dictionary<string, string> { ["username"] = instance.Username, ["password"] = instance.Password });
        using var loggedIn = await http.PostAsync("api/v2/auth/login", login);
        using var form = new MultipartFormDataContent { { new ByteArrayContent(torrent.Bytes), "torrents", "added.torrent" } };
        var tags = fields.FirstOrDefault(static field => field.Name == "tags").Value ?? "";
        foreach (var (name, value) in ((string, string)[])[("paused", "true"), ("stopped", "true"), .. fields.Where(static field => field.Name != "tags")])
        {
            form.Add(new StringContent(value), name);
        }

        using var answer = await http.PostAsync("api/v2/torrents/add", form);
        Assert.That(answer.IsSuccessStatusCode, Is.True, await answer.Content.ReadAsStringAsync());
        if (tags.Length > 0)
        {
            // Old versions take no tags with a torrent.
            var id = torrent.Manifest.V1.Length > 0 ? torrent.Manifest.V1 : torrent.Manifest.V2.Truncated;
            await Eventually.BecomesTrueAsync(
                async () =>
                {
                    using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["hashes"] = id.ToString(), ["tags"] = tags });
                    using var tagged = await http.PostAsync("api/v2/torrents/addTags", form);
                    using var info = JsonDocument.Parse(await http.GetStringAsync($"api/v2/torrents/info?hashes={id}"));
                    return info.RootElement.EnumerateArray().Any(listed =>
                        tags.Split(',').All(listed.GetProperty("tags").GetString()!.Split(", ").Contains));
                },
                expression: "the client shows the tags");
        }
    }
}
