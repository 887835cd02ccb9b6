using QbSync.Ports;
using QbSync.Storage.Tests.Pieces;
using QbSync.Testing.FileSystems;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Crashes;

/// <summary>What a destination does, from an empty disk on, so that the power can go at each point of it.</summary>
internal sealed record CrashScenario(string Name, IReadOnlyList<BuiltTorrent> Torrents, IReadOnlyList<StoreRequest> Requests, Func<CrashMachine, Task> RunAsync)
{
    private const int Piece = 16 * 1024;

    /// <summary>One of the kinds, with content of its own for each number.</summary>
    public static CrashScenario Create(int number) => (number % 6) switch
    {
        0 => OneFile(number),
        1 => SelectionWithBoundary(number),
        2 => FailedFlushWhilePublishing(number),
        3 => Discard(number),
        4 => Hardlinks(number),
        _ => OtherSelection(number),
    };

    /// <inheritdoc />
    public override string ToString() => Name;

    private static CrashScenario OneFile(int seed)
    {
        var torrent = new TorrentBuilder("one.bin") { PieceLength = Piece, Length = 70_000 + seed, Seed = seed }.Build();
        return new CrashScenario($"one file, {seed}", [torrent], [StoreRig.Request(torrent, subPath: "sub")], async machine =>
        {
            await machine.OpenAsync(0);
            await machine.SendAsync(0, torrent, 0, 3);
            await machine.Open[0]!.FlushAsync(default).DefaultTimeout();
            await machine.SendAsync(0, torrent, 1);
            await machine.FinishAsync([torrent]);
            await machine.StopAsync();
            await machine.StartAsync();
        });
    }

    private static CrashScenario SelectionWithBoundary(int seed)
    {
        var torrent = Files(seed, "t", ("a", 40_000), ("deep/b", 30_000), ("empty", 0), ("c", 20_000));
        return new CrashScenario($"selection, {seed}", [torrent], [StoreRig.Request(torrent, static file => file.Path[^1] != "b")], async machine =>
        {
            await machine.OpenAsync(0);
            await machine.SendAsync(0, torrent, 2, 4);
            await machine.Open[0]!.FlushAsync(default).DefaultTimeout();
            await machine.FinishAsync([torrent]);
        });
    }

    private static CrashScenario FailedFlushWhilePublishing(int seed)
    {
        var torrent = Files(seed, "t", ("a", 33_000), ("b", 33_000), ("c/d", 33_000));
        return new CrashScenario($"failed flush, {seed}", [torrent], [StoreRig.Request(torrent)], async machine =>
        {
            await machine.OpenAsync(0);
            await machine.SendAsync(0, torrent, 0, 1, 2);
            await machine.PublishAsync(0);
            await machine.SendAsync(0, torrent, 3);
            var failures = 1;
            machine.Files.Before = call =>
            {
                if (call.Operation == "Sync" && call.Name.Contains("-1.", StringComparison.Ordinal) && failures-- > 0)
                {
                    throw SimErrors.Create(SimErrors.InputOutput, call.Path);
                }
            };
            await machine.Open[0]!.FlushAsync(default).DefaultTimeout();
            machine.Files.Before = null;
            await machine.FinishAsync([torrent]);
        });
    }

    private static CrashScenario Discard(int seed)
    {
        var torrent = Files(seed, "t", ("a", 40_000), ("deep/er/b", 30_000));
        return new CrashScenario($"discard, {seed}", [torrent], [StoreRig.Request(torrent, subPath: ["x", "y"])], async machine =>
        {
            await machine.OpenAsync(0);
            await machine.SendAsync(0, torrent, 0, 1, 2, 3);
            await machine.PublishAsync(0);
            await machine.Open[0]!.DiscardAsync(keepFiles: false, default).DefaultTimeout();
            machine.Open[0] = null;
            await machine.FinishAsync([torrent]);
        });
    }

    private static CrashScenario Hardlinks(int seed)
    {
        var first = new TorrentBuilder("first") { PieceLength = Piece, Seed = seed }.AddFile("a", 40_000).AddFile("b", 20_000).Build();
        var second = new TorrentBuilder("second") { PieceLength = Piece, Seed = seed }.AddFile("same", 40_000).AddFile("other", 30_000).Build();
        Torrents.FileIdentity?[] identities = [new(7, 70 + (ulong)seed, 40_000, 5), null];
        StoreRequest[] requests = [StoreRig.Request(first) with { Identities = identities }, StoreRig.Request(second) with { Identities = identities }];
        return new CrashScenario($"hardlinks, {seed}", [first, second], requests, async machine =>
        {
            await machine.OpenAsync(0);
            await machine.OpenAsync(1);
            await machine.SendAsync(1, second);
            await machine.SendAsync(0, first);
            await machine.PublishAsync(0);
            await machine.SettleAsync(1);
            await machine.FinishAsync([first, second]);
        });
    }

    private static CrashScenario OtherSelection(int seed)
    {
        var torrent = Files(seed, "t", ("a", 40_000), ("b", 30_000), ("c", 25_000));
        StoreRequest few = StoreRig.Request(torrent, static file => file.Index != 1), most = StoreRig.Request(torrent, static file => file.Index != 2);
        return new CrashScenario($"other selection, {seed}", [torrent], [few], async machine =>
        {
            await machine.OpenAsync(0);
            await machine.SendAsync(0, torrent, 0, 2, 4, 5);
            var outcome = await machine.Store.ReshapeAsync(machine.Open[0]!, most, default).DefaultTimeout();
            Assert.That(outcome.Refusal, Is.Null);
            machine.Open[0] = outcome.Storage;
            await machine.FinishAsync([torrent]);
        });
    }

    private static BuiltTorrent Files(int seed, string name, params (string Path, long Length)[] files)
    {
        var builder = new TorrentBuilder(name) { PieceLength = Piece, Seed = seed };
        foreach (var (path, length) in files)
        {
            builder.AddFile(path, length);
        }

        return builder.Build();
    }
}
