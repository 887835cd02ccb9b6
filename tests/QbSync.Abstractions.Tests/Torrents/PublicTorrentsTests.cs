using System.Security.Cryptography;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.Tests.Torrents;

/// <summary>Torrents that others made, from the package webtorrent-fixtures (MIT; contents in the public domain). Their hashes are known all over the world.</summary>
[DestinationCase(2)]
public sealed class PublicTorrentsTests
{
    [Test]
    public void Parse_LeavesOfGrass_AsEveryClientKnowsIt()
    {
        var manifest = Read("leaves");
        Assert.Multiple(() =>
        {
            Assert.That(manifest.Id.ToString(), Is.EqualTo("d2474e86c95b19b8bcfdb92bc12c9d44667cfa36"));
            Assert.That(manifest.Files.Select(file => (PathRules.Join(file.Path), file.Offset, file.Length)), Is.EqualTo(new[] { ("Leaves of Grass by Walt Whitman.epub", 0L, 362_017L) }));
            Assert.That((manifest.PieceLength, manifest.PieceCount, manifest.GetPieceLength(22)), Is.EqualTo((16_384, 23, 362_017 - (22 * 16_384))));
            Assert.That(manifest.V2.Length, Is.Zero);
        });
    }

    [Test]
    public void Parse_FilesInFolders_OffsetsAndTheHashOfTheirBytes()
    {
        var manifest = Read("lots-of-numbers");
        var expected = new[]
        {
            ("lots-of-numbers/big numbers/10.txt", 0L, 2L),
            ("lots-of-numbers/big numbers/11.txt", 2, 2),
            ("lots-of-numbers/big numbers/12.txt", 4, 2),
            ("lots-of-numbers/small numbers/1.txt", 6, 1),
            ("lots-of-numbers/small numbers/2.txt", 7, 2),
            ("lots-of-numbers/small numbers/3.txt", 9, 3),
        };
        Assert.Multiple(() =>
        {
            Assert.That(manifest.Id.ToString(), Is.EqualTo("114ead6243792ba56297edbb9a78dfba84d4fc00"));
            Assert.That(manifest.Files.Select(file => (PathRules.Join(file.Path), file.Offset, file.Length)), Is.EqualTo(expected));
            Assert.That(manifest.GetPieceHash(0).Sha1.ToArray(), Is.EqualTo(SHA1.HashData("101112122333"u8)));
        });
    }

    private static TorrentManifest Read(string name) =>
        TorrentManifest.Parse(File.ReadAllBytes(Path.Combine(TestContext.CurrentContext.TestDirectory, "Torrents", "Public", $"{name}.torrent")));
}
