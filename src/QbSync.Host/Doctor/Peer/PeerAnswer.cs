using QbSync.Ports;
using QbSync.Transport.Client.Connections;

namespace QbSync.Host.Doctor.Peer;

/// <summary>How the destination met us.</summary>
/// <param name="Greeting">What it said.</param>
/// <param name="Skew">How far its clock is before ours, as far as the way lets one tell; null where it does not tell.</param>
/// <param name="Way">What TCP knows of the way; null where the system tells nothing.</param>
internal sealed record PeerAnswer(Caller Caller, DestinationGreeting Greeting, TimeSpan? Skew, TcpWay? Way);
