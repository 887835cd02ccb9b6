using Microsoft.Extensions.Time.Testing;
using QbSync.Testing.Clients.Sim;
using QbSync.Testing.Machine;

namespace QbSync.QBittorrent.Tests.Transcripts;

/// <summary>A fake server of one version, for the plan.</summary>
internal sealed class FakeTarget : IDisposable
{
    private readonly TempDirectory _folder = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly SimClientOptions _client;

    public FakeTarget(Version api)
    {
        _client = new SimClientOptions { SavePath = _folder.CreateFolder("profile", "downloads"), Generation = new SimGeneration(api) };
        var options = new FakeServerOptions { RequireLogin = true, Password = "loopback-only" };
        Server = new FakeQBittorrentServer(new SimClientModel(_client, _time), options);
        Target = new PlanTarget(Server, options.Url, _client.SavePath, options.Username, options.Password, PassAsync);
    }

    public FakeQBittorrentServer Server { get; }

    public PlanTarget Target { get; }

    public void Dispose()
    {
        Server.Dispose();
        _folder.Dispose();
    }

    private Task PassAsync(int ticks, CancellationToken cancellationToken)
    {
        _time.Advance(ticks == 0 ? TimeSpan.FromMilliseconds(100) : _client.Tick * ticks);
        return Task.CompletedTask;
    }
}
