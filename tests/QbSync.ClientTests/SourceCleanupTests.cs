using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Testing.Specifications;

namespace QbSync.ClientTests;

/// <summary>A source that is short of space, with real clients and files that share their bytes on disk.</summary>
[Category("Long")]
internal sealed class SourceCleanupTests
{
    private const int Size = 4 << 20;

    [Test]
    [SourceCase(106)]
    public async Task ShortOfSpace_LinkedSiblingsLeaveTogether_TheUnrelatedAlone_WhatIsLinkedElsewhereStays()
    {
        var disk = new ScriptedSpace();
        await using var lab = await EnginesLab.StartAsync(new EnginesLabOptions
        {
            Files = disk,

            // Of two figures that differ the larger counts, and that of the real disk would.
            WrapSourceClient = static client => AnswersOf<ITorrentClient>.Change(
                client, nameof(ITorrentClient.PollAsync), static (ClientUpdate told) => told with { FreeBytes = null }),
            ConfigureSource = static options =>
            {
                options.MinSpace = ScriptedSpace.MinSpace;
                options.Handoff.MinSeedingTime = TimeSpan.Zero;
                options.Handoff.DeleteGrace = TimeSpan.Zero;
            },
        });
        disk.Folder = lab.Source.SavePath;
        var (one, other) = (Make("sibling one", 951), Make("sibling two", 951));
        var (alone, kept) = (Make("unrelated", 952), Make("linked elsewhere", 953));
        var elsewhere = Directory.CreateDirectory(Path.Combine(lab.Source.SavePath, "..", "library")).FullName;
        foreach (var torrent in (BuiltTorrent[])[one, alone, kept])
        {
            torrent.WriteContent(lab.Source.SavePath);
        }

        Link(Path.Combine(lab.Source.SavePath, one.Files[0].RelativePath), Path.Combine(lab.Source.SavePath, other.Files[0].RelativePath));
        Link(Path.Combine(lab.Source.SavePath, kept.Files[0].RelativePath), Path.Combine(elsewhere, "kept.bin"));
        var ids = new Dictionary<BuiltTorrent, ClientTorrentId>();
        foreach (var torrent in (BuiltTorrent[])[one, other, alone, kept])
        {
            ids[torrent] = await lab.AddSeedAsync(torrent);
        }

        foreach (var torrent in (BuiltTorrent[])[one, other, alone, kept])
        {
            await lab.SyncedAsync(torrent);
        }

        disk.IsShort = true;
        foreach (var torrent in (BuiltTorrent[])[one, other, alone])
        {
            await lab.Until(
                async () => await lab.FindHereAsync(torrent) is null && await lab.FindThereAsync(torrent) is { IsActive: true } there && there.Tags.Contains("source-removed"),
                TimeSpan.FromMinutes(4),
                torrent,
                "it has left");
            Assert.That(torrent.FindDifference(lab.Destination.SavePath), Is.Null);
            await Eventually.BecomesTrueAsync(() => !Path.Exists(Path.Combine(lab.Source.SavePath, torrent.Name)));
        }

        var deletes = lab.AtSource.Of(nameof(ITorrentClient.DeleteAsync)).Select(static call => ((IEnumerable<ClientTorrentId>)call.Arguments[0]!).ToArray()).ToArray();
        Assert.That(deletes, Has.One.EquivalentTo(new[] { ids[one], ids[other] }));
        Assert.That(deletes, Has.One.EquivalentTo(new[] { ids[alone] }));
        Assert.That((await lab.FindHereAsync(kept))!.IsActive, Is.True);
        Assert.That(kept.FindDifference(lab.Source.SavePath), Is.Null);

        static BuiltTorrent Make(string name, int seed) => new TorrentBuilder(name) { Seed = seed }.AddFile("content.bin", Size).Build();
    }

    private static void Link(string from, string to)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(to)!);
        using var process = System.Diagnostics.Process.Start("ln", [from, to]);
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero);
    }

    /// <summary>The machine's files on a file system of which it is told how full it is: each byte that leaves the folder is free again.</summary>
    private sealed class ScriptedSpace : ILocalFiles
    {
        public const long MinSpace = 1L << 30;
        private readonly LocalFiles _real = new();

        public string Folder { get; set; } = "";

        public bool IsShort { get; set; }

        public LocalPath Look(string path) => _real.Look(path);

        public LocalFileSystem? GetFileSystem(string folder)
        {
            if (_real.GetFileSystem(folder) is not { } real || Folder.Length == 0)
            {
                return null;
            }

            var files = Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories).Select(_real.Look).DistinctBy(static file => file.Inode);
            var used = files.Sum(static file => file.AllocatedBytes);
            return real with { FreeBytes = (IsShort ? MinSpace : 4 * MinSpace) - used, TotalBytes = 8 * MinSpace };
        }
    }
}
