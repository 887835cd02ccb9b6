using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace QbSync.Wan;

/// <summary>Plain TCP: as many flows as asked for, as fast as they go. What any program could get of the link.</summary>
internal static class Flows
{
    public const string SinkVerb = "flows-sink";
    public const string SourceVerb = "flows-source";
    private const int Port = 5001;

    // tcp(7)
    private const int TcpLevel = 6;
    private const int TcpCongestion = 13;

    private const int BufferBytes = 256 * 1024;

    public static async Task SinkAsync()
    {
        using var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Any, Port));
        listener.Listen();
        var bytes = 0L;
        Begin(() =>
        {
            while (true)
            {
                var socket = listener.Accept();
                Begin(() =>
                {
                    var buffer = new byte[BufferBytes];
                    while (socket.Receive(buffer) is > 0 and var read)
                    {
                        Interlocked.Add(ref bytes, read);
                    }
                });
            }
        });
        await RoleProcess.ServeAsync(() => new Look { Bytes = Interlocked.Read(ref bytes) });
    }

    /// <param name="arguments">Address, number of flows, congestion control.</param>
    public static async Task SourceAsync(string[] arguments)
    {
        var count = int.Parse(arguments[1], CultureInfo.InvariantCulture);
        for (var i = 0; i < count; i++)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            socket.SetRawSocketOption(TcpLevel, TcpCongestion, Encoding.ASCII.GetBytes(arguments[2]));
            socket.Connect(new IPEndPoint(IPAddress.Parse(arguments[0]), Port));
            Begin(() =>
            {
                var buffer = new byte[BufferBytes];
                while (true)
                {
                    socket.Send(buffer);
                }
            });
        }

        await RoleProcess.ServeAsync(() => new Look { Streams = count, Connections = count });
    }

    private static void Begin(Action work) => new Thread(() =>
    {
        try
        {
            work();
        }
        catch (SocketException)
        {
            // The other end is gone: the run is over.
        }
    })
    { IsBackground = true }.Start();
}
