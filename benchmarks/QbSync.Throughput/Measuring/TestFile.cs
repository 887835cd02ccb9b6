using System.Buffers.Binary;
using System.Security.Cryptography;

namespace QbSync.Throughput.Measuring;

/// <summary>
/// What is sent between bare layers: a file of pieces that differ, a list of its pieces' hashes, and the file that every run writes again. A machine's first touch of a
/// page costs more than all the rest, so no run makes a new one.
/// </summary>
internal sealed class TestFile(string folder, int pieceLength, int pieces)
{
    /// <summary>Pieces sent before a measurement begins.</summary>
    public const int WarmUpMiB = 512;

    public string Source { get; } = Path.Combine(folder, "layers.bin");

    public string Hashes { get; } = Path.Combine(folder, "layers.sha1");

    public string Destination { get; } = Path.Combine(folder, "layers.out");

    public int PieceLength => pieceLength;

    public int Pieces => pieces;

    public void Make()
    {
        var piece = new byte[pieceLength];
        new Random(7).NextBytes(piece);
        var empty = new byte[pieceLength];
        using var source = File.OpenHandle(Source, FileMode.Create, FileAccess.Write);
        using var destination = File.OpenHandle(Destination, FileMode.Create, FileAccess.Write);
        using var hashes = File.Create(Hashes);
        for (var i = 0; i < pieces; i++)
        {
            // No two pieces are alike, and a hash costs the same whatever the bytes are.
            BinaryPrimitives.WriteInt32LittleEndian(piece, i);
            RandomAccess.Write(source, piece, (long)i * pieceLength);
            hashes.Write(SHA1.HashData(piece));
            RandomAccess.Write(destination, empty, (long)i * pieceLength);
        }
    }

    public IEnumerable<KeyValuePair<string, string>> ToSettings() =>
    [
        new("source", Source), new("hashes", Hashes), new("destination", Destination),
        new("piece", $"{pieceLength}"), new("pieces", $"{pieces}"), new("warm-up", $"{Math.Min(pieces, Math.Max(1, (WarmUpMiB << 20) / pieceLength))}"),
    ];
}

/// <summary>A child's view of a <see cref="TestFile"/>.</summary>
internal sealed record LayerSettings(string Source, string Hashes, string Destination, int PieceLength, int Pieces, int WarmUp, IReadOnlyDictionary<string, string> All)
{
    public static LayerSettings Read(string[] args)
    {
        var all = args.Chunk(2).ToDictionary(static pair => pair[0], static pair => pair[1]);
        return new LayerSettings(
            all["source"], all["hashes"], all["destination"], int.Parse(all["piece"]), int.Parse(all["pieces"]), int.Parse(all["warm-up"]), all);
    }

    public bool IsOn(string name) => All.TryGetValue(name, out var value) && value == "on";
}
