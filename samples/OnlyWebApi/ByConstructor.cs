using QbSync.QBittorrent;

namespace OnlyWebApi;

/// <summary>The client by its constructor.</summary>
internal static class ByConstructor
{
    public static async Task ListAsync(string url)
    {
        var options = new QBittorrentOptions
        {
            Url = new Uri(url),
            Username = Environment.GetEnvironmentVariable("QB_USERNAME"),
            Password = Environment.GetEnvironmentVariable("QB_PASSWORD"),
        };
        await using var client = new QBittorrentClient(options);
        Console.WriteLine($"qBittorrent {await client.GetVersionAsync(default)}, WebAPI {await client.GetWebApiVersionAsync(default)}");
        foreach (var torrent in await client.GetTorrentsAsync(ids: null, default))
        {
            Console.WriteLine($"{torrent.Progress ?? 0,7:P1}  {torrent.State,-18}  {torrent.Name}");
        }
    }
}
