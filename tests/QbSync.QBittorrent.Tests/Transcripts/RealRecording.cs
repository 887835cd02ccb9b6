using QbSync.Host.Commands.Demo;
using QbSync.Testing.Machine;

namespace QbSync.QBittorrent.Tests.Transcripts;

/// <summary>Plays the plan on a client of its own, which wants a login.</summary>
internal static class RealRecording
{
    // A third of what is usual, so that a recording takes that much less.
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(0.5), Look = TimeSpan.FromMilliseconds(100);

    private static readonly Dictionary<string, string> Session = new() { ["Session\\RefreshInterval"] = "500" };

    private static readonly Lazy<Task<(string Version, IReadOnlyList<Exchange> Exchanges)>> Played = new(() => PlayOnceAsync(CancellationToken.None));

    /// <summary>Version and what was answered, played once for all tests. Ignores the test where there is no client.</summary>
    public static Task<(string Version, IReadOnlyList<Exchange> Exchanges)> PlayAsync(CancellationToken cancellationToken) =>
        Played.Value.WaitAsync(cancellationToken);

    private static async Task<(string Version, IReadOnlyList<Exchange> Exchanges)> PlayOnceAsync(CancellationToken cancellationToken)
    {
        if (QBittorrentProcesses.FindExecutable() is not { } executable)
        {
            Assert.Ignore($"There is no qbittorrent-nox on the path, and {QBittorrentProcesses.ExecutableVariable} names none.");
            throw new InvalidOperationException();
        }

        using var folder = new TempDirectory();
        await using var processes = new QBittorrentProcesses(executable, TimeProvider.System, FreePorts.Take);
        var options = new QBittorrentInstanceOptions { Directory = folder["profile"], RequireLogin = true, Session = Session };
        var instance = await processes.StartAsync(options, cancellationToken);
        var version = (await instance.GetAsync("app/version", cancellationToken)).TrimStart('v');
        var api = Version.Parse(await instance.GetAsync("app/webapiVersion", cancellationToken));
        var handler = new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false, UseProxy = false, PooledConnectionIdleTimeout = TimeSpan.FromSeconds(5) };
        var target = new PlanTarget(handler, instance.Url, instance.SavePath, instance.Username, instance.Password, PassAsync);
        using var player = new RequestPlayer(target);
        return (version, await player.PlayAsync(idsByV2: api >= new Version(2, 8, 0), cancellationToken));
    }

    private static async Task PassAsync(int ticks, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(ticks == 0 ? Look : Tick * ticks + Look);
        await timer.WaitForNextTickAsync(cancellationToken);
    }
}
