using Microsoft.Extensions.Time.Testing;
using QbSync.Host.Configuration;
using QbSync.Host.Doctor;
using QbSync.Testing.Clients.Sim;
using QbSync.Testing.Torrents;

namespace QbSync.Host.Tests.Doctor;

/// <summary>A role's configuration with a folder, and a client and more where a test wants them, for the doctor to look at.</summary>
internal sealed class DoctorLab : IAsyncDisposable
{
    private readonly TempDirectory _folder = new();
    private readonly Dictionary<string, IReadOnlyList<string>> _flags = [];
    private readonly List<IAsyncDisposable> _owned = [];

    public DoctorLab(Roles role)
    {
        Role = role;
        Data = _folder.CreateFolder("data");
        this["data"] = Data;
        this["state-dir"] = State;
        this["client"] = "folder";
        if (role == Roles.Source)
        {
            this["min-space"] = "0";
            this["destination-addr"] = $"127.0.0.1:{FreePorts.Take()}";
        }
        else
        {
            this["min-free"] = "0";
            this["listen"] = $"127.0.0.1:{FreePorts.Take()}";
        }
    }

    public Roles Role { get; }

    public string Data { get; }

    public string State => _folder["state"];

    public TempDirectory Folder => _folder;

    public Dictionary<string, string> Environment { get; } = [];

    /// <summary>Stands still, so that no check takes too long and no call is late, however slow this machine is.</summary>
    public FakeTimeProvider Time { get; } = new(TimeProvider.System.GetUtcNow());

    public string this[string option]
    {
        set => _flags[option] = [value];
    }

    public void Remove(string option) => _flags.Remove(option);

    /// <summary>A simulated qBittorrent that the configuration leads to.</summary>
    public async Task<ClientListener> StartClientAsync(SimClientOptions? options = null, Func<Uri, FakeServerOptions>? access = null)
    {
        var client = await ClientListener.StartAsync(options ?? new SimClientOptions { SavePath = Data }, access ?? (static url => new FakeServerOptions { Url = url }));
        _owned.Add(client);
        this["client"] = "qbittorrent";
        this["qb-url"] = client.Url.ToString();
        return client;
    }

    /// <summary>A torrent that the client calls complete, in a folder of its words; its files are not written.</summary>
    public static BuiltTorrent Add(ClientListener client, string name, int seed, string? savePath = null)
    {
        var torrent = new TorrentBuilder(name) { Seed = seed }.AddFile("a.bin", 300_001).AddFile("b.bin", 200_000).Build();
        var (_, id) = client.Model.Add(new SimAdd(torrent.Bytes, savePath ?? client.Model.Options.SavePath));
        client.Model.Arrive(id, [.. Enumerable.Range(0, torrent.Manifest.PieceCount)]);
        return torrent;
    }

    /// <summary>All that the doctor says.</summary>
    public async Task<IReadOnlyList<DoctorLine>> RunAsync() =>
        await new DoctorRunner(new SettingsSource(Role, _flags, Environment, null), Time).RunAsync(static _ => { }, CancellationToken.None).DefaultTimeout();

    /// <summary>What it says of one thing.</summary>
    public async Task<Finding> LookAsync(string id) => (await RunAsync()).Single(line => line.Id == id).Finding;

    public async ValueTask DisposeAsync()
    {
        foreach (var owned in _owned)
        {
            await owned.DisposeAsync();
        }

        _folder.Dispose();
    }
}
