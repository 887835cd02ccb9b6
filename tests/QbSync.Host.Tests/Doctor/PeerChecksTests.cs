using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;
using QbSync.Host.Configuration;
using QbSync.Host.Doctor;
using QbSync.Host.Doctor.Peer;
using QbSync.Testing.Specifications;
using QbSync.Transport.Security;

namespace QbSync.Host.Tests.Doctor;

/// <summary>What the doctor says of the way to a destination: each with a real listener, or none.</summary>
[HostCase(36)]
internal sealed class PeerChecksTests
{
    private const string Token = "0123456789abcdef0123456789abcdef";

    // No resolver asks anybody for a name that can be none.
    private static readonly string NoName = new('x', 70);

    [Test]
    public async Task Peer_NameThatNobodyHas_Fails()
    {
        await using var lab = new DoctorLab(Roles.Source) { ["destination-addr"] = $"{NoName}:50051" };
        Assert.That((await lab.LookAsync("peer.connect")).Text, Does.Contain($"the name {NoName} is not known"));
    }

    [Test]
    public async Task Peer_NobodyListens_FailsAndTheWayIsSkipped()
    {
        await using var lab = new DoctorLab(Roles.Source);
        var lines = (await lab.RunAsync()).ToDictionary(static line => line.Id, static line => line.Finding);
        Assert.Multiple(() =>
        {
            Assert.That(lines["peer.connect"].Outcome, Is.EqualTo(Outcome.Fail));
            Assert.That(lines["peer.connect"].Text, Does.Contain("takes no connection"));
            Assert.That(new[] { lines["peer.path"], lines["peer.clock"], lines["tcp.congestion"] }.Select(static finding => finding.Outcome), Has.All.EqualTo(Outcome.Skip));
        });
    }

    [Test]
    public async Task Peer_ThatSpeaksNoTls_Fails()
    {
        await using var lab = new DoctorLab(Roles.Source);
        await using var destination = await StartDestinationAsync(lab, ("security", "insecure"));
        Assert.That((await lab.LookAsync("peer.connect")).Outcome, Is.EqualTo(Outcome.Fail));
    }

    [Test]
    public async Task Peer_NotPaired_FailsAndNobodyGetsAnIdentity()
    {
        await using var lab = new DoctorLab(Roles.Source);
        await using var destination = await StartDestinationAsync(lab);
        var finding = await lab.LookAsync("peer.connect");
        Assert.Multiple(() =>
        {
            Assert.That(finding.Outcome, Is.EqualTo(Outcome.Fail));
            Assert.That(finding.Hint, Does.Contain("qbsync pair"));
            Assert.That(Directory.Exists(lab.State), Is.False);
        });
    }

    [Test]
    public async Task Peer_WithAnotherIdentityThanItHad_FailsAndBothAreShown()
    {
        await using var lab = new DoctorLab(Roles.Source);
        await using var destination = await StartDestinationAsync(lab);
        using var was = NodeIdentity.LoadOrCreate(lab.Folder["was.pem"], TimeProvider.System);
        using var isNow = NodeIdentity.LoadOrCreate(lab.Folder["destination", "identity.pem"], TimeProvider.System);
        using (var peers = PeerStore.Open(Path.Combine(lab.State, "peers.json"), TimeProvider.System))
        {
            await peers.AddAsync(new Peer(was.Id, "nas") { Address = destination.Address, AddedAt = DateTimeOffset.UnixEpoch }, default);
        }

        var finding = await lab.LookAsync("peer.connect");
        Assert.That((finding.Outcome, finding.Text.Contains(isNow.Id.ToString(), StringComparison.Ordinal)), Is.EqualTo((Outcome.Fail, true)), finding.Text);
    }

    [Test]
    public async Task Peer_WithoutACommonProtocol_Fails()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http2));
        await using var other = builder.Build();
        other.Run(static context =>
        {
            // What gRPC answers to a call that it has not: a program of another time listens there.
            context.Response.ContentType = "application/grpc";
            context.Response.Headers["grpc-status"] = "12";
            return Task.CompletedTask;
        });
        await other.StartAsync();
        await using var lab = new DoctorLab(Roles.Source) { ["destination-addr"] = new Uri(other.Urls.First()).Authority, ["security"] = "insecure" };
        var finding = await lab.LookAsync("peer.connect");
        Assert.That((finding.Outcome, finding.Hint), Is.EqualTo((Outcome.Fail, "Update the older of the two.")), finding.Text);
    }

    [Test]
    public async Task Peer_ThatAnswers_TheWholeWayIsLookedAt()
    {
        await using var lab = new DoctorLab(Roles.Source) { ["security"] = "insecure" };
        await using var destination = await StartDestinationAsync(lab, ("security", "insecure"));
        var lines = (await lab.RunAsync()).ToDictionary(static line => line.Id, static line => line.Finding);
        Assert.Multiple(() =>
        {
            Assert.That(lines["peer.connect"].Outcome, Is.EqualTo(Outcome.Ok), lines["peer.connect"].Text);
            Assert.That(lines["peer.clock"].Outcome, Is.Not.EqualTo(Outcome.Skip));
            Assert.That(lines["peer.path"].Text, Does.StartWith("round trip "));
            Assert.That(lines["tcp.congestion"].Outcome, Is.Not.EqualTo(Outcome.Skip));
        });
    }

    [TestCase(3600)]
    [TestCase(-3600)]
    public async Task Clock_OfTheDestinationIsOff_Warns(int seconds)
    {
        await using var lab = new DoctorLab(Roles.Source) { ["security"] = "insecure" };
        await using var destination = await StartDestinationAsync(lab, new ShiftedTime(TimeSpan.FromSeconds(seconds)), ("security", "insecure"));
        Assert.That((await lab.LookAsync("peer.clock")).Outcome, Is.EqualTo(Outcome.Warn));
    }

    [TestCase(29, (int)Outcome.Warn)]
    [TestCase(40, (int)Outcome.Ok)]
    public async Task Certificate_ThatEndsSoon_Warns(int days, int outcome)
    {
        await using var lab = new DoctorLab(Roles.Source) { ["security"] = "token", ["peer-token"] = Token };
        var (certificate, key) = WriteCertificate(lab.Folder, days);
        lab["tls-ca-file"] = certificate;
        await using var destination = await StartDestinationAsync(
            lab, ("security", "token"), ("peer-token", Token), ("tls-cert-file", certificate), ("tls-key-file", key));
        var finding = await lab.LookAsync("peer.connect");
        Assert.That(finding.Outcome, Is.EqualTo((Outcome)outcome), finding.Text);
    }

    [Test]
    public void Clock_OfWhichOnlyTheAnswerIsKnown_IsJudgedByWhatIsCertain()
    {
        var asked = DateTimeOffset.UnixEpoch.AddYears(50);
        var answered = asked.AddSeconds(60);
        Assert.Multiple(() =>
        {
            Assert.That(PeerClockCheck.Skew(asked, asked.AddSeconds(30), answered), Is.EqualTo(TimeSpan.Zero));
            Assert.That(PeerClockCheck.Skew(asked, asked.AddSeconds(-31), answered), Is.EqualTo(TimeSpan.FromSeconds(-31)));
            Assert.That(PeerClockCheck.Skew(asked, answered.AddSeconds(31), answered), Is.EqualTo(TimeSpan.FromSeconds(31)));
            Assert.That(PeerClockCheck.Judge(TimeSpan.FromSeconds(-30)).Outcome, Is.EqualTo(Outcome.Ok));
            Assert.That(PeerClockCheck.Judge(TimeSpan.FromSeconds(-31)).Outcome, Is.EqualTo(Outcome.Warn));
        });
    }

    [Test]
    public void Way_OfEachKind_IsJudged()
    {
        var even = PeerPathCheck.Way(Enumerable.Repeat(TimeSpan.FromMilliseconds(40), 21), 8 << 20, 8 << 20);
        Assert.Multiple(() =>
        {
            Assert.That(PeerPathCheck.Judge(even).Outcome, Is.EqualTo(Outcome.Ok));
            Assert.That(PeerPathCheck.Judge(even with { Window = 3_999_999 }).Hint, Does.Contain("tcp_rmem"));
            Assert.That(PeerPathCheck.Judge(even with { SendBuffer = 3_999_999 }).Hint, Does.Contain("tcp_wmem"));
            Assert.That(PeerPathCheck.Judge(even with { Window = 4_000_000, SendBuffer = 4_000_000 }).Outcome, Is.EqualTo(Outcome.Ok));
            Assert.That(PeerPathCheck.Judge(even with { Percentile95 = TimeSpan.FromMilliseconds(161) }).Outcome, Is.EqualTo(Outcome.Warn));
            Assert.That(PeerPathCheck.Judge(even with { Median = TimeSpan.FromMilliseconds(1), Percentile95 = TimeSpan.FromMilliseconds(19) }).Outcome, Is.EqualTo(Outcome.Ok), "no way, but a busy processor");
            Assert.That(CongestionCheck.Judge(TimeSpan.FromMilliseconds(51), "cubic", ["reno", "cubic", "bbr"]).Hint, Is.EqualTo("sysctl -w net.ipv4.tcp_congestion_control=bbr"));
            Assert.That(CongestionCheck.Judge(TimeSpan.FromMilliseconds(50), "cubic", ["cubic", "bbr"]).Outcome, Is.EqualTo(Outcome.Ok));
            Assert.That(CongestionCheck.Judge(TimeSpan.FromMilliseconds(51), "cubic", ["cubic"]).Outcome, Is.EqualTo(Outcome.Ok));
        });
    }

    private static Task<RunningDestination> StartDestinationAsync(DoctorLab lab, params (string Name, string Value)[] options) =>
        StartDestinationAsync(lab, TimeProvider.System, options);

    private static async Task<RunningDestination> StartDestinationAsync(DoctorLab lab, TimeProvider time, params (string Name, string Value)[] options)
    {
        var flags = new Dictionary<string, IReadOnlyList<string>>
        {
            ["data"] = [lab.Folder.CreateFolder("destination-data")],
            ["state-dir"] = [lab.Folder["destination"]],
            ["listen"] = ["127.0.0.1:0"],
            ["health-addr"] = [""],
            ["client"] = ["folder"],
        };
        foreach (var (name, value) in options)
        {
            flags[name] = [value];
        }

        var settings = RoleSettings.Read(Roles.Destination, flags, new Dictionary<string, string>(), out var errors);
        Assert.That(errors, Is.Empty);
        var node = new DestinationNode(settings!, NullLoggerFactory.Instance, time, new Random(1));
        await node.StartAsync(CancellationToken.None);
        lab["destination-addr"] = node.ListenAddress!.Authority;
        return new RunningDestination(node);
    }

    private static (string Certificate, string Key) WriteCertificate(TempDirectory folder, int days)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=doctor", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(days));
        File.WriteAllText(folder["certificate.pem"], certificate.ExportCertificatePem());
        File.WriteAllText(folder["key.pem"], key.ExportPkcs8PrivateKeyPem());
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(folder["key.pem"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        return (folder["certificate.pem"], folder["key.pem"]);
    }

    /// <summary>A destination that answers; it ends with the test.</summary>
    private sealed class RunningDestination : IAsyncDisposable
    {
        private readonly DestinationNode _node;
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _run;

        public RunningDestination(DestinationNode node)
        {
            _node = node;
            _run = node.RunAsync(_stop.Token);
        }

        public string Address => _node.ListenAddress!.Authority;

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _run.DefaultTimeout();
            await _node.DisposeAsync();
            _stop.Dispose();
        }
    }

    /// <summary>A clock that is set wrong and runs right.</summary>
    private sealed class ShiftedTime(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
    }
}
