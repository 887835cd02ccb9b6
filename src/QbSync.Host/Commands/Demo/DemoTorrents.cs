namespace QbSync.Host.Commands.Demo;

/// <summary>The three torrents of a demo, made from one seed.</summary>
internal sealed class DemoTorrents
{
    private const int MiB = 1 << 20;

    private DemoTorrents(DemoTorrent live, DemoTorrent many, DemoTorrent linked, string linkedFile)
    {
        Live = live;
        Many = many;
        Linked = linked;
        LinkedFile = linkedFile;
    }

    /// <summary>One file of 128 MiB that still "downloads" while it is synced.</summary>
    public DemoTorrent Live { get; }

    /// <summary>Twelve files: an empty one, one of a byte, one that is not selected, and pieces that lie over two of them.</summary>
    public DemoTorrent Many { get; }

    /// <summary>One file of 32 MiB in small pieces, which is one of <see cref="Many"/>'s under another name: it is linked, not sent.</summary>
    public DemoTorrent Linked { get; }

    /// <summary>The file of <see cref="Many"/> that <see cref="Linked"/> shares.</summary>
    public string LinkedFile { get; }

    public IReadOnlyList<DemoTorrent> All => [Live, Many, Linked];

    public static DemoTorrents Make(ulong seed)
    {
        var next = seed;
        var live = DemoTorrent.Make("A live download.bin", MiB, [File("A live download.bin", 128 * MiB)]);
        (string Path, long Length, bool Selected)[] many =
        [
            ("intro.txt", 1_234_567, true), ("empty.nfo", 0, true), ("one-byte.dat", 1, true), ("Größe/ünïcode – 文件.mkv", 7 * MiB + 333, true),
            ("feature.mkv", 32 * MiB, true), ("sample/not-wanted.mkv", 5 * MiB + 77, false), ("disc 1/track 01.flac", 3 * MiB + 5, true),
            ("disc 1/track 02.flac", 2 * MiB + 999, true), ("disc 2/track 01.flac", 4 * MiB - 1, true), ("disc 2/track 02.flac", 6 * MiB, true),
            ("cover.jpg", 345_678, true), ("end.txt", 1_500_000, true),
        ];
        var files = many.Select(file => File("B many files/" + file.Path, file.Length, file.Selected)).ToList();
        var shared = files.Single(file => file.Path == "B many files/feature.mkv");
        return new DemoTorrents(
            live,
            DemoTorrent.Make("B many files", MiB, files),
            DemoTorrent.Make("C same feature.mkv", 64 * 1024, [shared with { Path = "C same feature.mkv" }]),
            shared.Path);

        DemoFile File(string path, long length, bool selected = true) => new(path, length, new DemoContent(unchecked(next += 0x632BE59BD9B4E019)), selected);
    }
}
