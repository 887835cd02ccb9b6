using Microsoft.Extensions.Logging;
using QbSync.Host;
using QbSync.Host.Commands.Demo;
using QbSync.Host.Configuration;
using QbSync.Host.Lifetime;
using QbSync.Host.Logging;
using QbSync.Throughput.Measuring;

namespace QbSync.Throughput.Engine;

/// <summary>
/// The child: one role as the executable runs it, measured from inside and from its start. The source ends by itself when its torrent is synced, the
/// destination when its input is closed. Arguments: role, then name and value of each option.
/// </summary>
internal static class EngineRole
{
    public const string Source = nameof(Roles.Source);

    public const string Destination = nameof(Roles.Destination);

    public static async Task<int> RunAsync(string[] args)
    {
        var role = Enum.Parse<Roles>(args[0]);
        var flags = args[1..].Chunk(2).ToDictionary(pair => pair[0], IReadOnlyList<string> (pair) => [pair[1]]);
        var settings = RoleSettings.Read(role, flags, new Dictionary<string, string>(), out var errors)
            ?? throw new ArgumentException(string.Join(Environment.NewLine, errors));
        using var lines = new LogLines(Console.Error, LogFormat.Console, LogLevel.Warning, new Redactor([]), TimeProvider.System);
        using var loggers = LoggerFactory.Create(logging => logging.AddProvider(lines));
        await using RoleNode node = role == Roles.Source
            ? new SourceNode(settings, loggers, TimeProvider.System, new Random(1))
            : new DestinationNode(settings, loggers, TimeProvider.System, new Random(1));
        await node.StartAsync(CancellationToken.None);
        if (node is DestinationNode destination)
        {
            Console.WriteLine(destination.ListenAddress!.Authority);
        }

        using var meter = new Meter();
        var started = TimeProvider.System.GetUtcNow();
        using var stop = new CancellationTokenSource();
        var run = node.RunAsync(stop.Token);
        await (role == Roles.Source ? SyncedAsync(node, run) : Parent.Ended);
        var result = meter.Read() with
        {
            StreamSeconds = node.Status?.Torrents.Max(torrent => torrent.ArrivedAt) is { } arrived ? (arrived - started).TotalSeconds : 0,
            WireBytes = await MetricsText.SumAsync(node.Registry, role == Roles.Source ? "qbsync_bytes_sent_total" : "qbsync_bytes_received_total"),
        };
        Console.WriteLine(result.ToLine());
        await stop.CancelAsync();
        await run;
        return 0;
    }

    private static async Task SyncedAsync(RoleNode node, Task run)
    {
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (node.Status is not { Torrents: [{ FinishedAt: not null }] })
        {
            if (run.IsCompleted)
            {
                await run;
                throw new InvalidOperationException("The engine stopped before the torrent was synced.");
            }

            await look.WaitForNextTickAsync();
        }
    }
}
