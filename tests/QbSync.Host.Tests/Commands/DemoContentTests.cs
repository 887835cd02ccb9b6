using QbSync.Host.Commands.Demo;
using QbSync.Torrents;

namespace QbSync.Host.Tests.Commands;

internal sealed class DemoContentTests
{
    [Test]
    public void Content_InAnySlices_IsTheSame()
    {
        var content = new DemoContent(5);
        var whole = new byte[1003];
        content.Fill(0, whole);
        var parts = new byte[1003];
        content.Fill(0, parts.AsSpan(0, 64));
        content.Fill(64, parts.AsSpan(64));
        Assert.That(parts, Is.EqualTo(whole));
    }

    [Test]
    public void Torrent_ReadByTheProduct_IsWhatTheDemoMade()
    {
        var torrent = DemoTorrent.Make(
            "folder", 16 * 1024, [new("folder/a", 40_000, new DemoContent(1), true), new("folder/b", 0, new DemoContent(2), true), new("folder/c", 5, new DemoContent(3), false)]);
        var manifest = TorrentManifest.Parse(torrent.Torrent);
        Assert.Multiple(() =>
        {
            Assert.That(manifest.Id.ToString(), Is.EqualTo(torrent.InfoHash));
            Assert.That(manifest.PieceCount, Is.EqualTo(3));
            Assert.That(manifest.Files.Select(file => string.Join('/', file.Path)), Is.EqualTo(new[] { "folder/a", "folder/b", "folder/c" }));
            Assert.That(torrent.PayloadBytes, Is.EqualTo(40_005));
        });
    }

    [Test]
    public async Task Proof_OneByteFlipped_NamesFileAndPiece()
    {
        using var folder = new TempDirectory();
        var torrents = new[] { DemoTorrent.Make("x.bin", 16 * 1024, [new DemoFile("x.bin", 100_000, new DemoContent(9), true)]) };
        await DemoDownload.WriteAllAsync(torrents[0], folder["data"], CancellationToken.None);
        var record = new ProofRecord("data", [new ProofTorrent("x.bin", 16 * 1024, [new ProofFile("x.bin", 100_000, torrents[0].FileHashes[0], true)], Convert.ToHexStringLower(torrents[0].PieceHashes))], []);
        Assert.That(IndependentProof.FindFaults(record, folder.Path), Is.Empty);

        using (var file = File.OpenHandle(folder["data", "x.bin"], FileMode.Open, FileAccess.ReadWrite))
        {
            var one = new byte[1];
            RandomAccess.Read(file, one, 50_000);
            one[0] ^= 1;
            RandomAccess.Write(file, one, 50_000);
        }

        Assert.That(IndependentProof.FindFaults(record, folder.Path), Is.EqualTo(new[] { "x.bin: another SHA-256", "x.bin: piece 3 has another hash" }));
    }
}
