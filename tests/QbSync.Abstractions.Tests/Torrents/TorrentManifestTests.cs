using System.Security.Cryptography;
using QbSync.Pieces;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Tests.Torrents;

/// <summary>Golden cases: what the builder wrote, hashed by code that shares nothing with the parser, must be what the manifest says.</summary>
[DestinationCase(2)]
public sealed class TorrentManifestTests
{
    private static IEnumerable<TestCaseData> Torrents()
    {
        foreach (var version in Enum.GetValues<TorrentVersion>())
        {
            foreach (var pieceLength in (int[])[16 * 1024, 64 * 1024])
            {
                foreach (var length in (long[])[1, 16 * 1024, 16 * 1024 + 1, 64 * 1024, 1_000_003])
                {
                    yield return Case(new TorrentBuilder("one file.bin") { Version = version, PieceLength = pieceLength, Length = length }, $"single {version} {pieceLength} {length}");
                }

                foreach (var tail in (bool[])[false, true])
                {
                    yield return Case(
                        Folder(new TorrentBuilder("many") { Version = version, PieceLength = pieceLength, WithPads = true, WithTailPad = tail }),
                        $"many {version} {pieceLength} tail pad {tail}");
                }
            }
        }

        yield return Case(Folder(new TorrentBuilder("plain")), "many v1 without pads");
        yield return Case(new TorrentBuilder("big pieces") { PieceLength = 8 << 20, Length = (17 << 20) + 5, Version = TorrentVersion.Hybrid }, "8 MiB hybrid");
        yield return Case(new TorrentBuilder("odd") { PieceLength = 1000, Length = 12_345 }, "pieces of 1000 bytes");
    }

    private static TorrentBuilder Folder(TorrentBuilder builder) => builder
        .AddFile("z last.bin", 70_001)
        .AddFile("empty.txt", 0)
        .AddFile("sub/ü 日本語 😀.mkv", 131_072)
        .AddFile("sub/deep/er/one", 1)
        .AddFile("a", 20_000)
        .AddFile("a.txt/inside", 300_123)
        .AddFile("zz also empty", 0);

    private static TestCaseData Case(TorrentBuilder builder, string name) => new TestCaseData(builder).SetArgDisplayNames(name);

    [TestCaseSource(nameof(Torrents))]
    public void Parse_BuiltTorrent_FilesAreThoseWritten(TorrentBuilder builder)
    {
        var torrent = builder.Build();
        var manifest = torrent.Manifest;
        Assert.Multiple(() =>
        {
            Assert.That(manifest.Name, Is.EqualTo(builder.Name));
            Assert.That(manifest.PieceLength, Is.EqualTo(builder.PieceLength));
            Assert.That(manifest.Files.Where(file => file.IsReal).Select(file => PathRules.Join(file.Path)), Is.EqualTo(torrent.Files.Select(file => PathRules.Join(file.Path))));
            Assert.That(manifest.Files.Where(file => file.IsReal).Select(file => file.Length), Is.EqualTo(torrent.Files.Select(file => file.Length)));
            Assert.That(manifest.ContentLength, Is.EqualTo(torrent.Files.Sum(file => file.Length)));
            Assert.That(manifest.HasRootFolder, Is.EqualTo(torrent.Files.Count > 1));
            Assert.That(manifest.IsHybrid, Is.EqualTo(builder.Version == TorrentVersion.Hybrid));
            Assert.That(manifest.V1.Length, Is.EqualTo(builder.Version == TorrentVersion.V2 ? 0 : 20));
            Assert.That(manifest.V2.Length, Is.EqualTo(builder.Version == TorrentVersion.V1 ? 0 : 32));
        });
    }

    [TestCaseSource(nameof(Torrents))]
    public void GetPieceHash_EachPiece_IsTheHashOfItsBytes(TorrentBuilder builder)
    {
        var torrent = builder.Build();
        var manifest = torrent.Manifest;
        long covered = 0;
        for (var piece = 0; piece < manifest.PieceCount; piece++)
        {
            var bytes = torrent.ReadPiece(piece);
            var hash = manifest.GetPieceHash(piece);
            covered += bytes.Length;
            Assert.That(hash.Sha1.IsEmpty, Is.EqualTo(builder.Version == TorrentVersion.V2));
            if (!hash.Sha1.IsEmpty)
            {
                Assert.That(hash.Sha1.ToArray(), Is.EqualTo(SHA1.HashData(bytes)), $"SHA-1 of piece {piece}");
            }

            Assert.That(hash.MerkleRoot.IsEmpty, Is.EqualTo(builder.Version == TorrentVersion.V1));
            if (!hash.MerkleRoot.IsEmpty)
            {
                Assert.That(hash.MerkleRoot.ToArray(), Is.EqualTo(NaiveMerkle.Root(bytes.AsSpan(0, hash.MerkleBytes), hash.MerkleLeaves)), $"merkle root of piece {piece}");
            }
        }

        Assert.That(covered, Is.EqualTo(builder.Version == TorrentVersion.V2 ? manifest.ContentLength : manifest.Length));
    }

    [Test]
    public void Parse_V2Only_EachFileStartsAPiece()
    {
        var manifest = Folder(new TorrentBuilder("v2") { Version = TorrentVersion.V2, PieceLength = 16 * 1024 }).Build().Manifest;
        Assert.Multiple(() =>
        {
            Assert.That(manifest.Files.Select(file => file.Offset % 16_384), Is.All.Zero);
            Assert.That(manifest.PieceCount, Is.EqualTo(manifest.Files.Sum(file => (file.Length + 16_383) / 16_384)));
            Assert.That(manifest.Id, Is.EqualTo(manifest.V2));
            Assert.That(manifest.Length, Is.EqualTo(manifest.Files.Where(file => file.Length > 0).Max(file => file.Offset + file.Length)));
        });
    }

    [Test]
    public void Parse_OnlyEmptyFiles_HasNoPiece([Values] TorrentVersion version)
    {
        var torrent = new TorrentBuilder("void") { Version = version }.AddFile("a", 0).AddFile("b", 0).Build();
        Assert.Multiple(() =>
        {
            Assert.That(torrent.Manifest.PieceCount, Is.Zero);
            Assert.That(torrent.Manifest.Length, Is.Zero);
            Assert.That(new PieceLayout(torrent.Manifest, Selection.All(torrent.Manifest)).IsComplete(new PieceBitmap(0)), Is.True);
        });
    }

    [Test]
    public void Parse_PrivateFlag_IsKept([Values] bool isPrivate) =>
        Assert.That(new TorrentBuilder("p") { IsPrivate = isPrivate, Tracker = "http://127.0.0.1:1/announce" }.Build().Manifest.IsPrivate, Is.EqualTo(isPrivate));

    [Test]
    public void Parse_CallersBufferChanges_ManifestDoesNot()
    {
        var torrent = new TorrentBuilder("copy") { Version = TorrentVersion.Hybrid, PieceLength = 16 * 1024 }.Build();
        var buffer = torrent.Bytes.ToArray();
        var manifest = TorrentManifest.Parse(buffer);
        buffer.AsSpan().Clear();
        for (var piece = 0; piece < manifest.PieceCount; piece++)
        {
            Assert.That(manifest.GetPieceHash(piece).Sha1.ToArray(), Is.EqualTo(torrent.Manifest.GetPieceHash(piece).Sha1.ToArray()));
            Assert.That(manifest.GetPieceHash(piece).MerkleRoot.ToArray(), Is.EqualTo(torrent.Manifest.GetPieceHash(piece).MerkleRoot.ToArray()));
        }
    }
}
