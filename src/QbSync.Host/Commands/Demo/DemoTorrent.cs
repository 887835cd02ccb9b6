using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace QbSync.Host.Commands.Demo;

/// <summary>A file of a demo torrent. <see cref="Path"/> is below the data folder, <c>/</c> between parts.</summary>
internal sealed record DemoFile(string Path, long Length, DemoContent Content, bool IsSelected);

/// <summary>
/// A torrent made for the demo, with the hashes that the proof keeps. Written without any of QbSync's own parsing or storage code, so that the proof
/// cannot share a fault with them.
/// </summary>
internal sealed class DemoTorrent
{
    private DemoTorrent(string name, int pieceLength, IReadOnlyList<DemoFile> files, byte[] pieceHashes, IReadOnlyList<string> fileHashes)
    {
        Name = name;
        PieceLength = pieceLength;
        Files = files;
        PieceHashes = pieceHashes;
        FileHashes = fileHashes;
        (Torrent, InfoHash) = Write();
    }

    public string Name { get; }

    public int PieceLength { get; }

    public IReadOnlyList<DemoFile> Files { get; }

    /// <summary>SHA-1 of each piece.</summary>
    public byte[] PieceHashes { get; }

    /// <summary>SHA-256 of each file, in hexadecimal.</summary>
    public IReadOnlyList<string> FileHashes { get; }

    /// <summary>The <c>.torrent</c>.</summary>
    public byte[] Torrent { get; }

    /// <summary>Its v1 info hash in hexadecimal.</summary>
    public string InfoHash { get; }

    public long Length => Files.Sum(file => file.Length);

    /// <summary>Bytes of all pieces that touch a selected file: what has to cross the wire.</summary>
    public long PayloadBytes
    {
        get
        {
            var needed = new HashSet<long>();
            long offset = 0;
            foreach (var file in Files)
            {
                if (file is { IsSelected: true, Length: > 0 })
                {
                    for (var piece = offset / PieceLength; piece <= (offset + file.Length - 1) / PieceLength; piece++)
                    {
                        needed.Add(piece);
                    }
                }

                offset += file.Length;
            }

            return needed.Sum(piece => Math.Min(PieceLength, Length - piece * PieceLength));
        }
    }

    /// <summary>Makes the hashes by making the content once.</summary>
    public static DemoTorrent Make(string name, int pieceLength, IReadOnlyList<DemoFile> files)
    {
        using var piece = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        using var whole = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var pieces = new MemoryStream();
        List<string> fileHashes = [];
        var buffer = new byte[64 * 1024];
        var inPiece = 0;
        foreach (var file in files)
        {
            for (long offset = 0; offset < file.Length; offset += buffer.Length)
            {
                var chunk = buffer.AsSpan(0, (int)Math.Min(buffer.Length, file.Length - offset));
                file.Content.Fill(offset, chunk);
                whole.AppendData(chunk);
                while (chunk.Length > 0)
                {
                    var part = chunk[..Math.Min(chunk.Length, pieceLength - inPiece)];
                    piece.AppendData(part);
                    inPiece += part.Length;
                    chunk = chunk[part.Length..];
                    if (inPiece == pieceLength)
                    {
                        pieces.Write(piece.GetHashAndReset());
                        inPiece = 0;
                    }
                }
            }

            fileHashes.Add(Convert.ToHexStringLower(whole.GetHashAndReset()));
        }

        if (inPiece > 0)
        {
            pieces.Write(piece.GetHashAndReset());
        }

        return new DemoTorrent(name, pieceLength, files, pieces.ToArray(), fileHashes);
    }

    private (byte[] Torrent, string InfoHash) Write()
    {
        using var info = new MemoryStream();
        info.WriteByte((byte)'d');
        if (Files.Count == 1)
        {
            Key(info, "length");
            Number(info, Files[0].Length);
        }
        else
        {
            Key(info, "files");
            info.WriteByte((byte)'l');
            foreach (var file in Files)
            {
                info.WriteByte((byte)'d');
                Key(info, "length");
                Number(info, file.Length);
                Key(info, "path");
                info.WriteByte((byte)'l');
                foreach (var part in file.Path.Split('/')[1..])
                {
                    Key(info, part);
                }

                info.Write("ee"u8);
            }

            info.WriteByte((byte)'e');
        }

        Key(info, "name");
        Key(info, Name);
        Key(info, "piece length");
        Number(info, PieceLength);
        Key(info, "pieces");
        Bytes(info, PieceHashes);
        Key(info, "private");
        Number(info, 1);
        info.WriteByte((byte)'e');
        var raw = info.ToArray();
        return ([.. "d4:info"u8, .. raw, (byte)'e'], Convert.ToHexStringLower(SHA1.HashData(raw)));
    }

    private static void Key(MemoryStream output, string text) => Bytes(output, Encoding.UTF8.GetBytes(text));

    private static void Bytes(MemoryStream output, ReadOnlySpan<byte> bytes)
    {
        Plain(output, bytes.Length);
        output.WriteByte((byte)':');
        output.Write(bytes);
    }

    private static void Number(MemoryStream output, long value)
    {
        output.WriteByte((byte)'i');
        Plain(output, value);
        output.WriteByte((byte)'e');
    }

    private static void Plain(MemoryStream output, long value)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(value, digits, out var written);
        output.Write(digits[..written]);
    }
}
