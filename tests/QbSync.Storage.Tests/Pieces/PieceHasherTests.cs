using CsCheck;
using QbSync.Storage.Pieces;
using QbSync.Testing.Torrents;

namespace QbSync.Storage.Tests.Pieces;

public sealed class PieceHasherTests
{
    [TestCase(TorrentVersion.V1)]
    [TestCase(TorrentVersion.Hybrid)]
    [TestCase(TorrentVersion.V2)]
    public void AnyCuttingOfAPiece_HashesTheSame_AndAnyWrongByteIsSeen(TorrentVersion version)
    {
        var torrent = new TorrentBuilder("cut") { Version = version, PieceLength = 64 * 1024, Length = 150_000 }.Build();
        using var hasher = new PieceHasher();
        Gen.Select(Gen.Int[0, 2], Gen.Int[1, 40_000].Array[1, 8], Gen.Int[-1, 18_000]).Sample(
            (piece, cuts, wrong) =>
            {
                var bytes = torrent.ReadPiece(piece);
                if (wrong >= 0)
                {
                    bytes[wrong] ^= 0x10;
                }

                hasher.Begin(torrent.Manifest.GetPieceHash(piece));
                var offset = 0;
                for (var i = 0; offset < bytes.Length; i++)
                {
                    var length = Math.Min(cuts[i % cuts.Length], bytes.Length - offset);
                    hasher.Append(bytes.AsSpan(offset, length));
                    offset += length;
                }

                return hasher.End() == (wrong < 0 ? PieceVerdict.Good : PieceVerdict.Bad);
            },
            iter: 200,
            threads: 1);
    }
}
