using OnlyWebApi;
using QbSync;

// Lists the torrents of a qBittorrent: OnlyWebApi URL [--container]
if (args is not [var url, .. var more])
{
    Console.Error.WriteLine("Usage: OnlyWebApi http://127.0.0.1:8080 [--container], with QB_USERNAME and QB_PASSWORD set where the client wants a login.");
    return 2;
}

try
{
    await (more is ["--container"] ? InContainer.ListAsync(url) : ByConstructor.ListAsync(url));
    return 0;
}
catch (TorrentClientException failure)
{
    Console.Error.WriteLine($"{failure.Fault}: {failure.Message}");
    return 1;
}
