using System.Net.Sockets;

namespace QbSync.Transport.Client.Connections;

/// <summary>An authenticated way to a peer.</summary>
/// <param name="Stream">What HTTP/2 runs over; encrypted already where it is to be.</param>
/// <param name="Socket">The socket beneath, for its options and figures only; null where there is none.</param>
/// <param name="Peer">Who is at the other end: a node id, a name, or <c>local</c>.</param>
internal sealed record PeerConnection(Stream Stream, Socket? Socket, string Peer);
