using Prometheus;
using QbSync.Host;
using QbSync.Host.Configuration;
using QbSync.Host.Lifetime;
using QbSync.Testing.Logging;
using QbSync.Testing.Metrics;
using QbSync.Testing.Processes;

namespace QbSync.IntegrationTests;

/// <summary>Both roles in this process as the executable runs them, over gRPC on loopback, with folder clients.</summary>
internal sealed class TwoNodes : IAsyncDisposable
{
    private readonly TempDirectory _folder = new();
    private readonly LogErrorGuard _log = new();
    private readonly CancellationTokenSource _stopSource = new();
    private readonly CancellationTokenSource _hurrySource = new();
    private CancellationTokenSource _stopDestination = new();
    private DestinationNode? _destination;
    private SourceNode? _source;
    private ServedSeries? _ofSource;
    private ServedSeries? _ofDestination;
    private int _destinations;
    private Task _destinationRun = Task.CompletedTask;
    private Task _sourceRun = Task.CompletedTask;

    /// <summary>The source's clock; the way has the real one.</summary>
    public TimeProvider SourceTime { get; init; } = TimeProvider.System;

    /// <summary>The destination's clock.</summary>
    public TimeProvider DestinationTime { get; init; } = TimeProvider.System;

    /// <summary>Where the destination listens.</summary>
    public string Listen { get; init; } = "127.0.0.1:0";

    public string SourceData => _folder.CreateFolder("source", "data");

    public string DestinationData => DataOfDestination ?? _folder.CreateFolder("destination", "data");

    /// <summary>Where the destination has its content; null for beside all the rest.</summary>
    public string? DataOfDestination { get; init; }

    /// <summary>What both roles say.</summary>
    public LogErrorGuard Log => _log;

    public string SourceTorrents => _folder.CreateFolder("source", "torrents");

    public SourceNode Source => _source!;

    public DestinationNode Destination => _destination!;

    /// <summary>What the source serves over HTTP; nothing is ever missing there.</summary>
    public ServedSeries Reports => _ofSource!;

    /// <summary>Puts a torrent with all its content where the source's client finds it.</summary>
    public void AddAtSource(BuiltTorrent torrent)
    {
        torrent.WriteContent(SourceData);
        torrent.WriteTorrent(SourceTorrents);
    }

    public Task StartAsync(params (string Name, string Value)[] sourceOptions) => StartAsync(sourceOptions, []);

    public async Task StartAsync((string Name, string Value)[] sourceOptions, (string Name, string Value)[] destinationOptions)
    {
        await OpenAsync(sourceOptions, destinationOptions);
        Run();
    }

    /// <summary>Makes both roles with their listeners; no engine runs yet.</summary>
    public async Task OpenAsync((string Name, string Value)[] sourceOptions, (string Name, string Value)[] destinationOptions)
    {
        await OpenDestinationAsync(destinationOptions);
        _source = new SourceNode(
            Read(Roles.Source, [("data", SourceData), ("min-space", "0"), ("destination-addr", _destination!.ListenAddress!.Authority), .. Client("source"), .. sourceOptions]), _log, SourceTime, new Random(2));
        await _source.StartAsync(CancellationToken.None);
        _ofSource = await ServedSeries.BeginAsync(_source, HasClient(sourceOptions));
    }

    /// <summary>Lets both engines run.</summary>
    public void Run()
    {
        _destinationRun = _destination!.RunAsync(_stopDestination.Token);
        _sourceRun = _source!.RunAsync(_stopSource.Token, _hurrySource.Token);
    }

    public async Task StartDestinationAsync(params (string Name, string Value)[] options)
    {
        await OpenDestinationAsync(options);
        _destinationRun = _destination!.RunAsync(_stopDestination.Token);
    }

    private async Task OpenDestinationAsync((string Name, string Value)[] options)
    {
        _destinations++;
        _stopDestination.Dispose();
        _stopDestination = new CancellationTokenSource();
        _destination = new DestinationNode(
            Read(Roles.Destination, [("data", DestinationData), ("listen", Listen), ("min-free", "0"), .. Client("destination"), .. options]), _log, DestinationTime, new Random(1));
        await _destination.StartAsync(CancellationToken.None);
        _ofDestination = await ServedSeries.BeginAsync(_destination, HasClient(options));
    }

    /// <summary>The destination goes, until it is started again.</summary>
    public async Task StopDestinationAsync()
    {
        await _stopDestination.CancelAsync();
        await _destinationRun.DefaultTimeout();
        await EndAsync(_destination!, _ofDestination);
        _destination = null;
    }

    public Task AllSyncedAsync(int torrents) => Eventually.BecomesTrueAsync(
        () => _source!.Status is { } status && status.Torrents.Count(torrent => torrent.FinishedAt is not null) == torrents);

    /// <summary>The source's first signal, and the second.</summary>
    public Task SignalSourceAsync() => _stopSource.CancelAsync();

    public Task SignalSourceAgainAsync() => _hurrySource.CancelAsync();

    /// <summary>Ends when the source has stopped; what it reports it still does.</summary>
    public Task SourceEndedAsync() => _sourceRun.DefaultTimeout();

    public static async Task<Scrape> ScrapeAsync(CollectorRegistry registry)
    {
        using var text = new MemoryStream();
        await MovedSeries.CollectAsync(registry, text);
        return new Scrape(System.Text.Encoding.UTF8.GetString(text.ToArray()));
    }

    public async ValueTask DisposeAsync()
    {
        await VerifyRestAsync();
        await _stopSource.CancelAsync();
        await _sourceRun.DefaultTimeout();
        if (_destination is not null)
        {
            await _stopDestination.CancelAsync();
        }

        await _destinationRun.DefaultTimeout();
        if (_source is not null && _destination is not null)
        {
            // One that was hurried leaves its streams to end by themselves.
            await Eventually.BecomesTrueAsync(async () => !MetricLaws.FindBreaches(await ReadAsync(_source), Opened).Any());
            MetricLaws.Verify((await ScrapeAsync(_source.Registry)).Text, (await ScrapeAsync(_destination.Registry)).Text);
        }

        if (_source is not null)
        {
            await EndAsync(_source, _ofSource);
        }

        if (_destination is not null)
        {
            await EndAsync(_destination, _ofDestination);
        }

        _stopSource.Dispose();
        _hurrySource.Dispose();
        _stopDestination.Dispose();
        _folder.Dispose();
        _log.Verify();
    }

    /// <summary>Nothing is missing in what a role serves when its engine has ended, nor when all that it owned is gone, which is as late as anybody can ask.</summary>
    /// <param name="reports">Null when it never came to serve.</param>
    private static async Task EndAsync(RoleNode node, ServedSeries? reports)
    {
        await (reports?.ReadAsync("when its engine has ended") ?? Task.CompletedTask);
        await node.DisposeAsync();
        await (reports?.VerifyAsync("when it has ended") ?? Task.CompletedTask);
    }

    private static bool HasClient((string Name, string Value)[] options) => options.Contains(("client", "qbittorrent"));

    /// <summary>Streams that the source has opened so far.</summary>
    private int Opened => _log.Entries.Count(static entry => entry.Id.Name == "PieceStreamOpened");

    /// <summary>
    /// The laws between both roles, when the source has nothing on its way to the end of a test and lost no stream. What is refused early goes on arriving for a
    /// moment, so that is waited for. A destination that was started anew has counted from 0, and is nobody to compare with.
    /// </summary>
    private async Task VerifyRestAsync()
    {
        if (_source is null || _destination is null || _destinations > 1)
        {
            return;
        }

        // A sender may count its last chunk when the answer to it was counted long ago.
        var breaches = new List<string>();
        try
        {
            await Eventually.BecomesTrueAsync(async () =>
            {
                breaches = await FindBreachesAsync(_source, _destination);
                return breaches.Count == 0;
            });
        }
        catch (TimeoutException)
        {
            Assert.That(breaches, Is.Empty);
        }
    }

    /// <summary>What breaks a law between both roles; nothing where one of them is not at rest.</summary>
    private static async Task<List<string>> FindBreachesAsync(SourceNode source, DestinationNode destination)
    {
        var before = Exposition.Parse((await ScrapeAsync(source.Registry)).Text);
        if (!MetricLaws.IsQuiet(before))
        {
            return [];
        }

        var there = Exposition.Parse((await ScrapeAsync(destination.Registry)).Text);
        var after = Exposition.Parse((await ScrapeAsync(source.Registry)).Text);
        return MetricLaws.IsQuiet(after) && after.Sum("qbsync_bytes_sent_total") == before.Sum("qbsync_bytes_sent_total")
            ? [.. MetricLaws.FindBreaches(before, there)]
            : [];
    }

    private static async Task<Exposition> ReadAsync(RoleNode node) => Exposition.Parse((await ScrapeAsync(node.Registry)).Text);

    /// <summary>A role's options, which a test's own replace.</summary>
    private (string Name, string Value)[] Client(string role) =>
        [("client", "folder"), ("client-dir", _folder.CreateFolder(role, "torrents")), ("state-dir", _folder[role, "state"]), ("security", "insecure"), ("health-addr", "127.0.0.1:0")];

    private static RoleSettings Read(Roles role, (string Name, string Value)[] options)
    {
        var settings = RoleSettings.Read(
            role, options.GroupBy(option => option.Name).ToDictionary(option => option.Key, IReadOnlyList<string> (option) => [option.Last().Value]), new Dictionary<string, string>(), out var errors);
        Assert.That(errors, Is.Empty);
        return settings!;
    }
}
