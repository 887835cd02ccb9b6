using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using QbSync.Throughput.Measuring;

namespace QbSync.Throughput.Plain;

/// <summary>
/// The least that any program has to do at the source: read, hash if asked, send. One thread, one socket, no framing. At most as much unacknowledged as a
/// stream of the real thing may have in flight.
/// </summary>
internal static class PlainSource
{
    public const string Kind = "plain-source";

    private const int SliceBytes = 256 << 10;

    public static int Run(string[] args)
    {
        var settings = LayerSettings.Read(args);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(IPEndPoint.Parse(settings.All["address"]));
        using var file = File.OpenHandle(settings.Source);
        using var sha1 = settings.IsOn("hash") ? IncrementalHash.CreateHash(HashAlgorithmName.SHA1) : null;
        var slice = new byte[SliceBytes];
        Send(socket, file, sha1, slice, settings.PieceLength, settings.WarmUp);
        Console.WriteLine("warm");
        using var meter = Parent.WaitForBegin();
        Send(socket, file, sha1, slice, settings.PieceLength, settings.Pieces);
        Console.WriteLine(meter.Read().ToLine());
        return 0;
    }

    private static void Send(
        Socket socket, Microsoft.Win32.SafeHandles.SafeFileHandle file, IncrementalHash? sha1, byte[] slice, int pieceLength, int pieces)
    {
        var most = Math.Max(2, (32 << 20) / pieceLength);
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
        Span<byte> acks = stackalloc byte[64];
        var acked = 0;
        for (var piece = 0; piece < pieces; piece++)
        {
            while (piece - acked >= most)
            {
                acked += Receive(socket, acks);
            }

            for (var offset = 0; offset < pieceLength; offset += slice.Length)
            {
                var part = slice.AsSpan(0, Math.Min(slice.Length, pieceLength - offset));
                RandomAccess.Read(file, part, ((long)piece * pieceLength) + offset);
                sha1?.AppendData(part);
                for (var rest = part; !rest.IsEmpty; rest = rest[socket.Send(rest)..])
                {
                }
            }

            sha1?.GetHashAndReset(hash);
        }

        while (acked < pieces)
        {
            acked += Receive(socket, acks);
        }
    }

    private static int Receive(Socket socket, Span<byte> acks)
    {
        var count = socket.Receive(acks);
        return count > 0 ? count : throw new IOException("The destination ended.");
    }
}
