using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace QbSync.Testing.Networks;

/// <summary>One end of a link: what is sent into it is read here, packet by packet, and what is written here arrives there. Gone when closed.</summary>
public sealed unsafe class TunDevice : IDisposable
{
    /// <summary>Largest packet.</summary>
    public const int Mtu = 1500;

    /// <summary>What it is called in its network.</summary>
    public const string Name = "wan0";

    // struct ifreq: a name of 16 bytes and a union of 24.
    private const int NameBytes = 16;
    private const int RequestBytes = 40;

    // So many may wait while the relay is not scheduled; the device's 500 would be a second, unseen bottleneck.
    private const int QueueLength = 20_000;

    private const short Tun = 1;
    private const short NoPacketInformation = 0x1000;
    private const short Up = 1;
    private const int Internet = 2;
    private const int Datagram = 2;

    private TunDevice(int descriptor) => Descriptor = descriptor;

    internal int Descriptor { get; }

    /// <summary>Makes it in this network, up, with this address and the other end's.</summary>
    public static TunDevice Open(NetworkNamespace network, IPAddress address, IPAddress peer) => network.Run(() =>
    {
        Configure("lo", NetworkCalls.SetFlags, request => BinaryPrimitives.WriteInt16LittleEndian(request, Up));
        var device = new TunDevice(NetworkCalls.Check(
            NetworkCalls.Open("/dev/net/tun", NetworkCalls.ReadWrite | NetworkCalls.NonBlocking | NetworkCalls.CloseOnExec, 0), "/dev/net/tun"));
        Request(device.Descriptor, Name, NetworkCalls.MakeTun, static request => BinaryPrimitives.WriteInt16LittleEndian(request, Tun | NoPacketInformation));
        Configure(Name, NetworkCalls.SetAddress, request => WriteAddress(request, address));
        Configure(Name, NetworkCalls.SetPeerAddress, request => WriteAddress(request, peer));
        Configure(Name, NetworkCalls.SetNetmask, static request => WriteAddress(request, IPAddress.Broadcast));
        Configure(Name, NetworkCalls.SetMtu, static request => BinaryPrimitives.WriteInt32LittleEndian(request, Mtu));
        Configure(Name, NetworkCalls.SetQueueLength, static request => BinaryPrimitives.WriteInt32LittleEndian(request, QueueLength));
        Configure(Name, NetworkCalls.SetFlags, static request => BinaryPrimitives.WriteInt16LittleEndian(request, Up));
        return device;
    });

    public void Dispose() => NetworkCalls.Close(Descriptor);

    private static void Configure(string name, nuint what, RequestWriter write)
    {
        var socket = NetworkCalls.Check(NetworkCalls.Socket(Internet, Datagram, 0), "socket");
        try
        {
            Request(socket, name, what, write);
        }
        finally
        {
            NetworkCalls.Close(socket);
        }
    }

    private static void Request(int descriptor, string name, nuint what, RequestWriter write)
    {
        Span<byte> request = stackalloc byte[RequestBytes];
        request.Clear();
        Encoding.ASCII.GetBytes(name, request);
        write(request[NameBytes..]);
        fixed (byte* argument = request)
        {
            NetworkCalls.Check(NetworkCalls.Control(descriptor, what, argument), $"ioctl {what:x} of {name}");
        }
    }

    // struct sockaddr_in.
    private static void WriteAddress(Span<byte> request, IPAddress address)
    {
        BinaryPrimitives.WriteInt16LittleEndian(request, Internet);
        address.TryWriteBytes(request[4..], out _);
    }

    private delegate void RequestWriter(Span<byte> request);
}
