using System.Net;
using System.Net.Sockets;
using QbSync.Host.Configuration;
using QbSync.Ports;
using QbSync.Transport.Client.Connections;

namespace QbSync.Host.Doctor.Peer;

/// <summary>Whether the destination answers and both trust each other: the name, then TCP, then TLS and trust, then the protocol.</summary>
internal sealed class PeerConnectCheck() : DoctorCheck("peer.connect", Roles.Source)
{
    private static readonly TimeSpan SoonOver = TimeSpan.FromDays(30);

    public override Finding Late => Finding.Fail(
        $"no answer within {DoctorRunner.Longest.TotalSeconds} s", "Does a firewall drop what goes there? Is destination-addr the address of the destination's listen?");

    public override async Task<Finding> RunAsync(DoctorPatient patient, CancellationToken cancellationToken)
    {
        var address = patient.Settings.Values.Address("destination-addr")!.Value;
        IPAddress[] found;
        try
        {
            found = await Dns.GetHostAddressesAsync(address.Host, cancellationToken);
        }
        catch (SocketException failure)
        {
            return Finding.Fail($"the name {address.Host} is not known: {failure.Message}", "Correct destination-addr, or give an address.");
        }

        TcpWay? way;
        using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            try
            {
                await socket.ConnectAsync(found, address.Port, cancellationToken);
                way = TcpWay.Read(socket);
            }
            catch (SocketException failure)
            {
                return Finding.Fail($"{address} takes no connection: {failure.Message}", "Does the destination run, and is its listen reachable from here?");
            }
        }

        try
        {
            patient.Peer = await GreetAsync(patient, way, cancellationToken);
        }
        catch (PeerException failure)
        {
            return Judge(failure);
        }
        catch (TrustException failure)
        {
            return Finding.Fail(failure.Message, "See: docs/pairing.md.");
        }

        return Judge(patient.Peer.Greeting.Software, address, patient.Destination.CertificateEnd, patient.Time.GetUtcNow());
    }

    public static Finding Judge(PeerException failure) => Finding.Fail(failure.Message, failure.Fault switch
    {
        PeerFault.NotTrusted => "Pair the two machines: qbsync pair. See: docs/pairing.md.",
        PeerFault.ProtocolMismatch => "Update the older of the two.",
        PeerFault.IsSelf => "destination-addr leads back to this node.",
        _ => "Is it a QbSync destination that listens there, with the same security?",
    });

    public static Finding Judge(string software, HostPort address, DateTimeOffset? certificateEnd, DateTimeOffset now) => certificateEnd is { } end && end - now < SoonOver
        ? Finding.Warn($"{address} answers ({software}), and a certificate ends on {end.UtcDateTime:yyyy-MM-dd}", "Renew it; the new file is taken while both run.")
        : Finding.Ok($"{address} answers ({software}), and both trust each other");

    private static async Task<PeerAnswer> GreetAsync(DoctorPatient patient, TcpWay? way, CancellationToken cancellationToken)
    {
        var values = patient.Settings.Values;
        var caller = new Caller(await patient.GetSourceIdAsync(cancellationToken), values.TextOrNull("source-name") ?? Environment.MachineName);

        // The first greeting has to dial; by the second the way alone takes time.
        await patient.Destination.HelloAsync(caller, cancellationToken);
        var before = patient.Time.GetUtcNow();
        var greeting = await patient.Destination.HelloAsync(caller, cancellationToken);
        var after = patient.Time.GetUtcNow();
        return new PeerAnswer(caller, greeting, greeting.Clock is { } clock ? PeerClockCheck.Skew(before, clock, after) : null, way);
    }
}
