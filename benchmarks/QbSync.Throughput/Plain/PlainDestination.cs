using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using QbSync.Throughput.Measuring;

namespace QbSync.Throughput.Plain;

/// <summary>The least that any program has to do at the destination: receive, hash, write, and one byte back for each piece that is right.</summary>
internal static class PlainDestination
{
    public const string Kind = "plain-destination";

    private const int SliceBytes = 256 << 10;

    public static async Task<int> RunAsync(string[] args)
    {
        var settings = LayerSettings.Read(args);
        using var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        Console.WriteLine(listener.LocalEndPoint);
        using var socket = listener.Accept();
        socket.NoDelay = true;

        // A thread for the pieces, one for the parent's words; pieces pass before and after the measurement begins.
        var receiving = Task.Factory.StartNew(() => Receive(socket, settings), TaskCreationOptions.LongRunning);
        using var meter = Parent.WaitForBegin();
        await Parent.Ended;
        Console.WriteLine(meter.Read().ToLine());
        await receiving;
        return 0;
    }

    private static void Receive(Socket socket, LayerSettings settings)
    {
        var hashes = File.ReadAllBytes(settings.Hashes);
        var slice = new byte[SliceBytes];
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
        using var file = File.OpenHandle(settings.Destination, FileMode.Open, FileAccess.Write);
        using var sha1 = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        var piece = 0;
        var offset = 0;
        while (socket.Receive(slice.AsSpan(0, Math.Min(slice.Length, settings.PieceLength - offset))) is > 0 and var count)
        {
            sha1.AppendData(slice.AsSpan(0, count));
            RandomAccess.Write(file, slice.AsSpan(0, count), ((long)piece * settings.PieceLength) + offset);
            offset += count;
            if (offset < settings.PieceLength)
            {
                continue;
            }

            sha1.GetHashAndReset(hash);
            if (!hash.SequenceEqual(hashes.AsSpan(piece * hash.Length, hash.Length)))
            {
                throw new IOException($"Piece {piece} is wrong.");
            }

            socket.Send([1]);
            offset = 0;

            // After the warm-up the count begins anew with the measured pass.
            piece = piece + 1 == settings.WarmUp && !_isWarm ? 0 : piece + 1;
            _isWarm |= piece == 0;
        }
    }

    private static bool _isWarm;
}
