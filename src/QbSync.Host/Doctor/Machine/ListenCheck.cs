using System.Net;
using System.Net.Sockets;
using QbSync.Host.Configuration;
using QbSync.Transport;

namespace QbSync.Host.Doctor.Machine;

/// <summary>Whether sources could be listened for, and whether who listens says nothing in the clear.</summary>
internal sealed class ListenCheck() : DoctorCheck("listen.bind", Roles.Destination)
{
    public override Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken)
    {
        var address = patient.Settings.Values.Address("listen")!.Value;
        address.TryGetEndPoint(out var endPoint);
        return Task.FromResult(Judge(address, TryBind(endPoint), patient.Settings.Security.Mode == SecurityMode.Insecure));
    }

    /// <param name="failure">Why it could not be listened there; null when it could.</param>
    public static Finding Judge(HostPort address, string? failure, bool isPlain) => failure is not null
        ? Finding.Fail($"{address} cannot be listened on: {failure}", "End the other program, or give another listen. If it is this role that runs already, all is well.")
        : isPlain && !address.IsLoopback
            ? Finding.Warn($"{address} is open to other machines without encryption", "Whoever reaches it can read, write and delete. Pair the machines: qbsync pair.")
            : Finding.Ok($"{address} is free");

    private static string? TryBind(IPEndPoint endPoint)
    {
        try
        {
            using var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (endPoint.Address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }

            socket.Bind(endPoint);
            socket.Listen(1);
            return null;
        }
        catch (SocketException failure)
        {
            return failure.Message;
        }
    }
}
