using CsCheck;
using QbSync.Testing.Machine;
using QbSync.Testing.Torrents;

namespace QbSync.Tests.Kit;

/// <summary>What other tests build on has tests, too.</summary>
public sealed class TorrentContentTests
{
    [Test]
    public void Read_AnyPart_IsThatPartOfTheWhole() => Gen.Select(Gen.Int, Gen.Int[0, 5], Gen.Int[0, 300], Gen.Int[0, 300]).Sample((seed, file, offset, length) =>
    {
        var content = new TorrentContent(seed, file);
        var whole = new byte[600];
        content.Read(0, whole);
        var part = new byte[length];
        content.Read(offset, part);
        return part.AsSpan().SequenceEqual(whole.AsSpan(offset, length));
    });

    [Test]
    public void FindDifference_WrittenThenDamaged_SaysWhere()
    {
        using var folder = new TempDirectory();
        var torrent = new TorrentBuilder("kit") { Seed = 3 }.AddFile("a/b.bin", 2_500_000).AddFile("empty", 0).Build();
        torrent.WriteContent(folder.Path);
        Assert.That(torrent.FindDifference(folder.Path), Is.Null);

        var path = folder["kit", "a", "b.bin"];
        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite))
        {
            var wrong = new byte[1];
            RandomAccess.Read(file, wrong, 2_000_001);
            wrong[0] ^= 1;
            RandomAccess.Write(file, wrong, 2_000_001);
        }

        Assert.That(torrent.FindDifference(folder.Path), Does.Contain("b.bin").And.Contain("2000001"));
        File.Delete(path);
        Assert.That(torrent.FindDifference(folder.Path), Does.Contain("missing"));
    }

    [Test]
    public void Build_SameSeed_SameTorrent_OtherSeed_Another()
    {
        byte[] Build(int seed) => new TorrentBuilder("same") { Seed = seed, Length = 50_000 }.Build().Bytes;
        var first = Build(1);
        var again = Build(1);
        Assert.That(again, Is.EqualTo(first));
        Assert.That(Build(2), Is.Not.EqualTo(first));
    }
}
