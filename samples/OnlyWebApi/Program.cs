using QbSync;
using QbSync.QBittorrent;

if (args is not [var url])
{
    Console.Error.WriteLine("Usage: OnlyWebApi http://127.0.0.1:8080, with QB_USERNAME and QB_PASSWORD set where the client wants a login.");
    return 2;
}

var options = new QBittorrentOptions
{
    Url = new Uri(url),
    Username = Environment.GetEnvironmentVariable("QB_USERNAME"),
    Password = Environment.GetEnvironmentVariable("QB_PASSWORD"),
};
await using var client = new QBittorrentClient(options);
try
{
    Console.WriteLine($"qBittorrent {await client.GetVersionAsync(default)}, WebAPI {await client.GetWebApiVersionAsync(default)}");
    foreach (var torrent in await client.GetTorrentsAsync(ids: null, default))
    {
        Console.WriteLine($"{torrent.Progress ?? 0,7:P1}  {torrent.State,-18}  {torrent.Name}");
    }

    return 0;
}
catch (TorrentClientException failure)
{
    Console.Error.WriteLine($"{failure.Fault}: {failure.Message}");
    return 1;
}
