using Microsoft.Extensions.Time.Testing;
using QbSync.Ports;
using QbSync.Storage.FolderClient;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Storage.Tests.FolderClient;

/// <summary>A client over two folders, with virtual time; it can be restarted.</summary>
internal sealed class FolderRig : IAsyncDisposable
{
    private readonly TempDirectory _folder = new();

    public FolderRig(Action<FolderClientOptions>? configure = null)
    {
        Options = new FolderClientOptions { TorrentsDirectory = _folder["torrents"], DataDirectory = _folder.CreateFolder("data") };
        configure?.Invoke(Options);
        Client = new FolderTorrentClient(Options, Logs, Time);
    }

    public FolderClientOptions Options { get; }

    public FakeTimeProvider Time { get; } = new();

    public LogErrorGuard Logs { get; } = new();

    public FolderTorrentClient Client { get; private set; }

    public string Data => Options.DataDirectory;

    public string Torrents => Options.TorrentsDirectory;

    public async Task RestartAsync()
    {
        await Client.DisposeAsync();
        Client = new FolderTorrentClient(Options, Logs, Time);
    }

    public async Task<ClientUpdate> PollAsync() => await Client.PollAsync([], CancellationToken.None).DefaultTimeout();

    public async Task<TorrentStatus> PollOneAsync()
    {
        var update = await PollAsync();
        Assert.That(update.Torrents, Has.Count.EqualTo(1));
        return update.Torrents[0];
    }

    /// <summary>Polls until nothing is left to check; a file that changed is looked at twice.</summary>
    public async Task<TorrentStatus> SettleAsync()
    {
        await PollOneAsync();
        await PollOneAsync();
        return await PollOneAsync();
    }

    public async Task<int> CountPiecesAsync(BuiltTorrent torrent) =>
        (await Client.GetPiecesAsync(GetId(torrent), torrent.Manifest.PieceCount, CancellationToken.None).DefaultTimeout()).Count;

    public static ClientTorrentId GetId(BuiltTorrent torrent) => new(torrent.Id.ToString());

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        _folder.Dispose();
        Logs.Verify();
        Logs.Dispose();
    }
}
