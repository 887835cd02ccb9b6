using Microsoft.Extensions.Time.Testing;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Tests.EndToEnd;

namespace QbSync.Transport.Tests.Security;

/// <summary>What is told of the certificates in use: the end of the one that ends first, be it the own one or a peer's, while that peer is here.</summary>
internal sealed class CertificateExpiryTests : TwoNodes
{
    private const string Family = "qbsync_certificate_expiry_timestamp_seconds";
    private static readonly Caller Caller = new(new Guid("6f1c2a0e-52a9-4c0f-9d5b-1f2e3d4c5b6b"), "test");

    [Test]
    [MetricCase("A33")]
    public async Task Source_ItsPeersEndsFirst_TellsThatWhileItIsConnected()
    {
        var older = Older();
        await PairAsync(older, Dialer);
        var remote = Dialer.Dial(older.Address);
        Assert.That(await ReadAsync(Dialer), Is.EqualTo(EndOf(Dialer)), "nobody is connected");
        await remote.HelloAsync(Caller, CancellationToken.None).DefaultTimeout();
        Assert.That(await ReadAsync(Dialer), Is.EqualTo(EndOf(older)));
        Assert.That(await older.CountAsync(Family + "{mode=\"destination\"}", older.Server.Registry), Is.EqualTo(EndOf(older)), "its own ends before the peer's");

        await older.DisposeAsync();
        await Eventually.BecomesTrueAsync(async () => await ReadAsync(Dialer) == EndOf(Dialer));
    }

    [Test]
    [MetricCase("A33")]
    public async Task Destination_OneOfItsPeersEndsFirst_TellsThatWhileItIsConnected()
    {
        await using var older = Older();
        await Listener.TrustAsync(older);
        await older.TrustAsync(Listener);
        await PairAsync(Listener, Dialer);
        Assert.That(await ThereAsync(), Is.EqualTo(EndOf(Listener)), "nobody is connected");

        // A certificate is in use from the listener's own look at it to the end of its connection, neither of which a peer sees.
        await Dialer.Dial(Listener.Address).HelloAsync(Caller, CancellationToken.None).DefaultTimeout();
        await Eventually.BecomesTrueAsync(async () => await ThereAsync() == Math.Min(EndOf(Listener), EndOf(Dialer)));
        var remote = older.Dial(Listener.Address);
        await remote.HelloAsync(Caller, CancellationToken.None).DefaultTimeout();
        await Eventually.BecomesTrueAsync(async () => await ThereAsync() == EndOf(older));
        Assert.That(await ReadAsync(older), Is.EqualTo(EndOf(older)), "its own ends before the peer's");

        await remote.DisposeAsync().AsTask().DefaultTimeout();
        await Eventually.BecomesTrueAsync(async () => await ThereAsync() == Math.Min(EndOf(Listener), EndOf(Dialer)));

        Task<double> ThereAsync() => Listener.CountAsync(Family + "{mode=\"destination\"}", Listener.Server.Registry);
    }

    [Test]
    [MetricCase("A33")]
    public async Task Link_WithoutCertificates_TellsOfNone()
    {
        await using var rig = new LinkRig();
        var server = await rig.StartAsync(new TestIntake(1 << 14));
        rig.Open(server.Port);
        await rig.SendAsync([new Client.TestSource(0, 1 << 14)]);
        await Eventually.BecomesTrueAsync(() => rig.Sink.Acks.Count == 1);
        Assert.That(await rig.SeriesAsync(Family), Is.Empty);
    }

    /// <summary>A node whose certificate ends before those of the others.</summary>
    private SecureNode Older() => new(Logs, "old", new FakeTimeProvider(TimeProvider.System.GetUtcNow().AddYears(-2)));

    private static async Task PairAsync(SecureNode listener, SecureNode dialer)
    {
        await listener.TrustAsync(dialer);
        await dialer.TrustAsync(listener);
        await listener.ListenAsync();
    }

    private static double EndOf(SecureNode node) => new DateTimeOffset(node.Identity.Certificate.NotAfter).ToUnixTimeSeconds();

    private static Task<double> ReadAsync(SecureNode dialer) => dialer.CountAsync(Family + "{mode=\"source\"}");
}
