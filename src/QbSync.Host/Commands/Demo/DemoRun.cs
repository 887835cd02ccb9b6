using System.Globalization;
using Microsoft.Extensions.Logging;
using QbSync.Engine.Status;
using QbSync.Host.Configuration;
using Spectre.Console;

namespace QbSync.Host.Commands.Demo;

/// <summary>
/// One demo: the two roles as the executable runs them, over gRPC on loopback, three torrents of which one still downloads, and a proof of the copy.
/// </summary>
internal sealed class DemoRun(IDemoStage stage, string folder, IAnsiConsole console, ILoggerFactory loggers, TimeProvider time)
{
    private static readonly TimeSpan NoProgressLimit = TimeSpan.FromSeconds(60);
    private static readonly EngineStatus Nothing = new() { At = DateTimeOffset.MinValue };

    /// <summary>Faults found; empty when the copy is proved.</summary>
    public async Task<IReadOnlyList<string>> RunAsync(ulong seed, CancellationToken cancellationToken)
    {
        var torrents = DemoTorrents.Make(seed);
        await stage.PrepareAsync(torrents, cancellationToken);
        Say($"Three torrents of {torrents.All.Sum(torrent => torrent.Length) >> 20} MiB in {folder} (seed {seed}).");

        var trust = new DemoTrust(DemoTrust.Of(Roles.Source, stage.SourceOptions), DemoTrust.Of(Roles.Destination, stage.DestinationOptions), time);
        await trust.PinSourceAsync(cancellationToken);
        await using var destination = new DestinationNode(Read(Roles.Destination, stage.DestinationOptions, ("listen", "127.0.0.1:0"), ("min-free", "0")), loggers, time, new Random());
        await destination.StartAsync(cancellationToken);
        await trust.PinDestinationAsync(destination.ListenAddress!.Authority, cancellationToken);
        Say($"Two identities for this demo alone, each pinned by the other: source {trust.Source}, destination {trust.Destination}.");
        await using var source = new SourceNode(
            Read(Roles.Source, stage.SourceOptions, ("destination-addr", destination.ListenAddress!.Authority), ("min-space", "0")), loggers, time, new Random());
        await source.StartAsync(cancellationToken);
        Say($"Source metrics {source.HealthAddress}metrics, destination metrics {destination.HealthAddress}metrics.");

        using var stopSource = new CancellationTokenSource();
        using var stopDestination = new CancellationTokenSource();
        using var given = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] roles = [destination.RunAsync(stopDestination.Token), source.RunAsync(stopSource.Token)];
        var download = stage.DownloadAsync(torrents, given.Token);
        var linked = AddLinkedAsync(torrents, () => source.Status, given.Token);
        var started = time.GetTimestamp();
        IReadOnlyList<string> faults;
        EngineStatus last;
        try
        {
            var watch = new ProgressWatch(torrents.All.Count, time);
            await new DemoDisplay(console, time).ShowAsync(
                () => source.Status,
                status => watch.IsOver(status ?? Nothing, NoProgressLimit) || roles.Any(role => role.IsCompleted) || download.IsFaulted || linked.IsFaulted,
                cancellationToken);
            last = source.Status ?? Nothing;
            faults = watch.FindFaults(last);
            if (faults.Count == 0)
            {
                await download;
                await linked;
            }
        }
        finally
        {
            await given.CancelAsync();
            await stopSource.CancelAsync();
            await roles[1];
            await stopDestination.CancelAsync();
            await roles[0];
        }

        var elapsed = time.GetElapsedTime(started);
        if (faults.Count > 0)
        {
            return faults;
        }

        var isLinked = await linked;
        var proof = ProofRecord.Of(torrents, stage.DestinationData, isLinked);
        proof.Save(folder);
        faults = [.. IndependentProof.FindFaults(proof, folder), .. await stage.FindFaultsAsync(torrents, cancellationToken)];
        var figures = new DemoFigures(
            torrents,
            last,
            elapsed,
            await MetricsText.SumAsync(source.Registry, "qbsync_bytes_sent_total"),
            isLinked ? await MetricsText.SumAsync(destination.Registry, "qbsync_hardlinks_created_total") : null);
        foreach (var line in figures.Lines())
        {
            Say(line);
        }

        return [.. faults, .. figures.FindFaults()];
    }

    /// <summary>C comes to the source when B is on its way, so that it is C that waits for the file of both.</summary>
    private async Task<bool> AddLinkedAsync(DemoTorrents torrents, Func<EngineStatus?> status, CancellationToken cancellationToken)
    {
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(50), time);
        while (status()?.Torrents.Any(torrent => torrent.Name == torrents.Many.Name && torrent.PiecesDone > 0) != true)
        {
            await look.WaitForNextTickAsync(cancellationToken);
        }

        return await stage.AddLinkedAsync(torrents, cancellationToken);
    }

    private void Say(FormattableString text) => Say(text.ToString(CultureInfo.InvariantCulture));

    private void Say(string text) => console.Profile.Out.Writer.WriteLine(text);

    private static RoleSettings Read(Roles role, IReadOnlyDictionary<string, string> options, params (string Name, string Value)[] more)
    {
        var flags = options.Select(option => (option.Key, option.Value)).Concat(more).Append(("health-addr", "127.0.0.1:0"))
            .ToDictionary(option => option.Item1, IReadOnlyList<string> (option) => [option.Item2]);
        return RoleSettings.Read(role, flags, new Dictionary<string, string>(), out var errors)
            ?? throw new InvalidOperationException(string.Join(Environment.NewLine, errors));
    }
}
