using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace QbSync.Host.Commands.Demo;

/// <summary>
/// Starts real <c>qbittorrent-nox</c> processes that touch nothing but their own folder and loopback, and ends each by its process id.
/// Owner of all that it started: disposing it ends them.
/// </summary>
/// <param name="executable">The program.</param>
/// <param name="time">The clock.</param>
/// <param name="takePort">Gives a port of loopback that nobody has; one that the system says is free when null.</param>
internal sealed class QBittorrentProcesses(string executable, TimeProvider time, Func<int>? takePort = null) : IAsyncDisposable
{
    /// <summary>The variable that names another executable than the one on the path.</summary>
    public const string ExecutableVariable = "QBSYNC_QBITTORRENT";

    // A port found free may be taken before the client binds it.
    private const int Tries = 3;

    private readonly Lock _gate = new();
    private readonly List<QBittorrentInstance> _instances = [];
    private bool _isDisposed;

    /// <summary>What is to be said of those that ended though nobody had told them to, also after the end of all.</summary>
    public IReadOnlyList<string> UnaskedEnds
    {
        get
        {
            lock (_gate)
            {
                return [.. _instances.Select(static instance => instance.UnaskedEnd).OfType<string>()];
            }
        }
    }

    /// <summary>What <see cref="ExecutableVariable"/> names, else the first <c>qbittorrent-nox</c> on the path; else null.</summary>
    public static string? FindExecutable()
    {
        if (Environment.GetEnvironmentVariable(ExecutableVariable) is { Length: > 0 } named)
        {
            return File.Exists(named) ? Path.GetFullPath(named) : null;
        }

        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(static folder => Path.Combine(folder, "qbittorrent-nox"))
            .FirstOrDefault(File.Exists);
    }

    /// <summary>Starts a client and returns once it answers; 0.2 to 1.5 s.</summary>
    /// <exception cref="InvalidOperationException">It did not start; the message holds what it printed.</exception>
    public async Task<QBittorrentInstance> StartAsync(QBittorrentInstanceOptions options, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var instance = Launch(options);
            try
            {
                await instance.WaitUntilReadyAsync(cancellationToken).ConfigureAwait(false);
                lock (_gate)
                {
                    _instances.Add(instance);
                }

                return instance;
            }
            catch (Exception fault)
            {
                await instance.DisposeAsync().ConfigureAwait(false);
                if (attempt == Tries || fault is OperationCanceledException)
                {
                    throw;
                }
            }
        }
    }

    /// <summary>Ends every process that was started.</summary>
    public async ValueTask DisposeAsync()
    {
        QBittorrentInstance[] instances;
        lock (_gate)
        {
            instances = _isDisposed ? [] : [.. _instances];
            _isDisposed = true;
        }

        await Task.WhenAll(instances.Select(static instance => instance.DisposeAsync().AsTask())).ConfigureAwait(false);
    }

    private QBittorrentInstance Launch(QBittorrentInstanceOptions options)
    {
        int webPort = options.WebPort ?? TakePort(), peerPort = TakePort();
        var profile = Path.GetFullPath(options.Directory);
        var savePath = Path.GetFullPath(options.SavePath ?? Path.Combine(profile, "downloads"));
        var configuration = Path.Combine(profile, "qBittorrent", "config");
        Directory.CreateDirectory(configuration);
        Directory.CreateDirectory(savePath);
        File.WriteAllText(Path.Combine(configuration, "qBittorrent.conf"), QBittorrentProfile.Write(options, savePath, webPort, peerPort));

        var start = new ProcessStartInfo(executable, ["--profile=" + profile])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = profile,
        };
        start.Environment["LC_ALL"] = "C.UTF-8";
        start.Environment["HOME"] = profile;

        // Old versions lock a file there that is named by 16 bits of a sum over their profile's path: of many instances two may have one name, and the second ends.
        start.Environment["TMPDIR"] = profile;
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{executable} did not start.");
        return new QBittorrentInstance(process, options, savePath, webPort, peerPort, time);
    }

    private int TakePort() => takePort?.Invoke() ?? FreePort();

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
