using QbSync.Host.Commands.Demo;
using QbSync.Testing.Machine;

namespace QbSync.QBittorrent.Tests.Transcripts;

/// <summary>Plays the plan on a client of its own, which wants a login.</summary>
internal static class RealRecording
{
    /// <summary>Of a tick of the client, which is a third of what is usual, so that a recording takes that much less.</summary>
    private const int LooksPerTick = 5;

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

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
        using var asking = new HttpMessageInvoker(handler, disposeHandler: false);
        var target = new PlanTarget(
            handler, instance.Url, instance.SavePath, instance.Username, instance.Password, (ticks, stop) => PassAsync(asking, instance.Url, (LooksPerTick * ticks) + 1, stop));
        using var player = new RequestPlayer(target);
        return (version, await player.PlayAsync(idsByV2: api >= new Version(2, 8, 0), cancellationToken));
    }

    /// <summary>
    /// As long as so many looks take, each of which ends with an answer of the client: a machine that stands still lets the client's ticks stand still as well.
    /// </summary>
    private static async Task PassAsync(HttpMessageInvoker asking, Uri url, int looks, CancellationToken cancellationToken)
    {
        for (var i = 0; i < looks; i++)
        {
            using var timer = new PeriodicTimer(Look);
            await timer.WaitForNextTickAsync(cancellationToken);
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(url, "api/v2/app/webapiVersion"));
            using var answer = await asking.SendAsync(request, cancellationToken);
        }
    }
}
