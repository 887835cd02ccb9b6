using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Storage.Pieces;
using QbSync.Storage.Tests.Pieces;
using QbSync.Testing.FileSystems;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Crashes;

/// <summary>A store over a simulated disk, and what a destination does with it, step by step.</summary>
internal sealed class CrashMachine(SimFileSystem files, IReadOnlyList<StoreRequest> requests) : IAsyncDisposable
{
    public const string Data = "/data";
    public const string State = "/state";
    private byte _random;

    public SimFileSystem Files { get; private set; } = files;

    public TorrentStore Store { get; private set; } = null!;

    /// <summary>The torrents of the scenario; a person changes the selection by changing one.</summary>
    public IReadOnlyList<StoreRequest> Requests { get; set; } = requests;

    /// <summary>What is open, by its place in <see cref="Requests"/>.</summary>
    public ITorrentStorage?[] Open { get; } = new ITorrentStorage?[requests.Count];

    public async Task StartAsync()
    {
        var options = new StorageOptions { DataRoot = Data, StateDirectory = State, MinFreeBytes = 0, SyncParallelism = 1 };
        var registry = Prometheus.Metrics.NewCustomRegistry();
        Store = new TorrentStore(
            options, Prometheus.Metrics.WithCustomRegistry(registry), registry, NullLoggerFactory.Instance, new FakeTimeProvider(), Files,
            count => [.. Enumerable.Repeat(++_random, count)]);
        foreach (var storage in await Store.RecoverAsync(default).DefaultTimeout())
        {
            Open[Requests.Select(static request => request.Manifest.Id).ToList().IndexOf(storage.Request.Manifest.Id)] = storage;
        }
    }

    public async Task StopAsync()
    {
        await Store.DisposeAsync().DefaultTimeout();
        Array.Clear(Open);
    }

    public async Task<ITorrentStorage> OpenAsync(int index)
    {
        if (Open[index] is null)
        {
            var outcome = await Store.OpenAsync(Requests[index], default).DefaultTimeout();
            Assert.That(outcome.Refusal, Is.Null);
            Open[index] = outcome.Storage!;
        }

        await SettleAsync(index);
        return Open[index]!;
    }

    public async Task<SettleOutcome?> SettleAsync(int index)
    {
        SettleOutcome? outcome = null;
        for (var round = 0; round == 0 || (outcome?.IsWaiting == false && Open[index]!.DeferredPieces > 0 && round < 10); round++)
        {
            outcome = await Open[index]!.SettleAsync(null, default).DefaultTimeout();
        }

        return outcome;
    }

    /// <summary>Sends what is needed of some pieces, or of all.</summary>
    public async Task SendAsync(int index, BuiltTorrent torrent, params int[] pieces)
    {
        var storage = Open[index]!;
        var (have, deferred) = (storage.CopyHave(), storage.CopyDeferred());
        foreach (var piece in pieces.Length > 0 ? pieces : Enumerable.Range(0, torrent.Manifest.PieceCount))
        {
            if (storage.Layout.IsSelected(piece) && !have[piece] && !deferred[piece])
            {
                Assert.That(StoreRig.Send(storage, torrent, piece), Is.EqualTo(PieceAckStatus.Accepted), $"piece {piece}");
            }
        }

        await Task.CompletedTask;
    }

    /// <summary>Reads back and names what is whole.</summary>
    public async Task PublishAsync(int index)
    {
        var storage = Open[index]!;
        var whole = new List<int>();
        var have = storage.CopyHave();
        foreach (var file in storage.Request.Manifest.Files)
        {
            var (first, count) = storage.Layout.GetPieces(file);
            if (storage.Layout.Selection.IsSelected(file.Index) && Enumerable.Range(first, count).All(piece => have[piece]))
            {
                Assert.That(await storage.VerifyFileAsync(file.Index, null, default).DefaultTimeout(), Is.Zero, $"read-back of file {file.Index}");
                whole.Add(file.Index);
            }
        }

        Assert.That(await storage.PublishFilesAsync(whole, default).DefaultTimeout(), Is.Null);
    }

    /// <summary>Everything that is left of all torrents, up to their completion records: some wait for files of others.</summary>
    public async Task FinishAsync(IReadOnlyList<BuiltTorrent> torrents)
    {
        for (var round = 0; ; round++)
        {
            var isWhole = true;
            for (var index = 0; index < torrents.Count; index++)
            {
                isWhole &= await AdvanceAsync(index, torrents[index]);
            }

            if (isWhole)
            {
                break;
            }

            Assert.That(round, Is.LessThan(6), "all pieces are held after some rounds");
        }

        for (var index = 0; index < torrents.Count; index++)
        {
            await SealAsync(index, torrents[index]);
        }
    }

    private async Task<bool> AdvanceAsync(int index, BuiltTorrent torrent)
    {
        var storage = await OpenAsync(index);
        if (storage.Phase.IsComplete())
        {
            return true;
        }

        await SendAsync(index, torrent);
        await storage.FlushAsync(default).DefaultTimeout();
        await PublishAsync(index);
        return storage.Layout.IsComplete(storage.CopyHave());
    }

    private async Task SealAsync(int index, BuiltTorrent torrent)
    {
        var storage = Open[index]!;
        if (storage.Phase.IsComplete())
        {
            return;
        }

        await PublishAsync(index);
        Assert.That(await storage.ExportPartFileAsync($".{torrent.Id}.parts", default).DefaultTimeout(), Is.Null);
        foreach (var phase in (StoredPhase[])[StoredPhase.Published, StoredPhase.AddIntent, StoredPhase.Added])
        {
            await storage.SetPhaseAsync(phase, null, default).DefaultTimeout();
        }

        var client = new ClientView(ClientTorrentState.StoppedUp, 1, 0, DateTimeOffset.UnixEpoch);
        Assert.That(await storage.SealAsync(new SealRequest("node", "folder 1", torrent.Id.ToString(), client), default).DefaultTimeout(), Is.Not.Null);
    }

    public async ValueTask DisposeAsync()
    {
        if (Store is not null)
        {
            await Store.DisposeAsync().DefaultTimeout();
        }
    }
}
