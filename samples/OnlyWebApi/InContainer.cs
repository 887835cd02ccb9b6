using Microsoft.Extensions.DependencyInjection;
using QbSync.QBittorrent;

namespace OnlyWebApi;

/// <summary>The client from a container.</summary>
internal static class InContainer
{
    public static async Task ListAsync(string url)
    {
        var services = new ServiceCollection();
        services.AddQbSyncQBittorrent(options =>
        {
            options.Url = new Uri(url);
            options.Username = Environment.GetEnvironmentVariable("QB_USERNAME");
            options.Password = Environment.GetEnvironmentVariable("QB_PASSWORD");
        });
        await using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<IQBittorrentClient>();
        Console.WriteLine($"qBittorrent {await client.GetVersionAsync(default)}, WebAPI {await client.GetWebApiVersionAsync(default)}");
        foreach (var torrent in await client.GetTorrentsAsync(ids: null, default))
        {
            Console.WriteLine($"{torrent.Progress ?? 0,7:P1}  {torrent.State,-18}  {torrent.Name}");
        }
    }
}
