using System.Text;
using System.Text.Json;
using QbSync.Transport.Security;

namespace QbSync.Host.Commands.Pairing;

/// <summary>What the commands answer as JSON.</summary>
internal static class PeerDocuments
{
    public static string OfNode(NodeId id) => Write(json => json.WriteString("id", id.ToString()));

    public static string OfPairing(NodeId own, Peer peer) => Write(json =>
    {
        json.WriteString("id", own.ToString());
        json.WriteStartObject("peer");
        WritePeer(json, peer);
        json.WriteEndObject();
    });

    public static string OfPeers(IReadOnlyList<Peer> peers) => Write(json =>
    {
        json.WriteStartArray("peers");
        foreach (var peer in peers)
        {
            json.WriteStartObject();
            WritePeer(json, peer);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static void WritePeer(Utf8JsonWriter json, Peer peer)
    {
        json.WriteString("id", peer.Id.ToString());
        json.WriteString("name", peer.Name);
        json.WriteString("address", peer.Address);
        json.WriteString("added", peer.AddedAt);
        json.WriteString("grants", GrantText.Describe(peer.Grants));
    }

    private static string Write(Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }
}
