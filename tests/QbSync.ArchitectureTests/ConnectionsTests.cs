using System.Text.RegularExpressions;
using QbSync.Testing.Specifications;

namespace QbSync.ArchitectureTests;

/// <summary>Who a peer is, is decided in one place; all else asks for the answer.</summary>
public sealed partial class ConnectionsTests
{
    private const string Transport = "src/QbSync.Transport/";
    private static readonly string[] Deciders = [$"{Transport}Security/", $"{Transport}Client/Connections/"];

    [Test]
    [TransportCase(46)]
    public void TlsAndSocketFacts_OutsideOfConnectorsAndSecurity_AreNotRead() => Assert.That(
        Repository.Files("src/QbSync.Transport", "*.cs")
            .Where(file => !Deciders.Any(folder => file.StartsWith(folder, StringComparison.Ordinal)) && Facts().IsMatch(Repository.Read(file))),
        Is.Empty);

    [Test]
    [TransportCase(46)]
    public void PeerFeature_IsSetWhereConnectionsAreAuthenticatedAlone() => Assert.That(
        Repository.Files("src", "*.cs")
            .Where(file => !file.StartsWith($"{Transport}Security/Listening/", StringComparison.Ordinal) && SetFeature().IsMatch(Repository.Read(file))),
        Is.Empty);

    /// <summary>Every gRPC listener is made in the one place that puts the peer listener before it; the other is for health, status and metrics.</summary>
    [Test]
    public void Listeners_OfConnections_AreMadeInTwoPlaces() => Assert.That(
        Repository.Files("src", "*.cs").Where(file => Listens().IsMatch(Repository.Read(file))),
        Is.EquivalentTo(new[] { $"{Transport}QbSyncTransportEndpointExtensions.cs", "src/QbSync.Host/Endpoints/StatusServer.cs" }));

    [GeneratedRegex(@"\b(X509\w*|SslStream|SslPolicyErrors|ITls\w+|RemoteEndPoint|RemoteIpAddress|LocalEndPoint|GetClientCertificate\w*|NetworkStream|SocketException)\b")]
    private static partial Regex Facts();

    [GeneratedRegex(@"Features\.Set(<IPeerFeature>|\(peer\))")]
    private static partial Regex SetFeature();

    [GeneratedRegex(@"\bkestrel\.(Listen|ListenAnyIP|ListenLocalhost)\(")]
    private static partial Regex Listens();
}
