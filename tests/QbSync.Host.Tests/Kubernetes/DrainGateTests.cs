using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using QbSync.Host.Configuration;
using QbSync.Host.Kubernetes;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Kubernetes;

/// <summary>Whether a drain is asked for, by a real HTTPS server that stands for the cluster's API.</summary>
[TestFixture]
internal sealed class DrainGateTests
{
    private const string Annotation = "qbsync/drain";
    private LogErrorGuard _log = null!;

    [SetUp]
    public void SetUp() => _log = new LogErrorGuard();

    [TearDown]
    public void TearDown()
    {
        _log.Verify();
        _log.Dispose();
    }

    [TestCase("""{"qbsync/drain":"true"}""", true)]
    [TestCase("""{"qbsync/drain":"false"}""", false)]
    [TestCase("""{"qbsync/drain":"True"}""", false)]
    [TestCase("""{"qbsync/drain":" true"}""", false)]
    [TestCase("""{"qbsync/drain":""}""", false)]
    [TestCase("""{"qbsync/drain":null}""", false)]
    [TestCase("""{"qbsync/drain":true}""", false)]
    [TestCase("""{"other/drain":"true"}""", false)]
    [TestCase("{}", false)]
    [TestCase("null", false)]
    [SourceCase(117)]
    [HostCase(15)]
    public async Task Annotation_OnlyExactlyTrue_OpensIt(string annotations, bool expected)
    {
        await using var api = await FakeClusterApi.StartAsync();
        api.Annotations = annotations;

        Assert.That(await Gate(DrainMode.Annotation, api.Cluster).IsOpenAsync(default).DefaultTimeout(), Is.EqualTo(expected));
        Assert.That(api.Requests, Is.EqualTo(1));
    }

    [TestCase(401)]
    [TestCase(403)]
    [TestCase(404)]
    [TestCase(302)]
    [TestCase(500)]
    [SourceCase(117)]
    [HostCase(15)]
    public async Task ApiError_IsANo(int status)
    {
        await using var api = await FakeClusterApi.StartAsync();
        api.Annotations = """{"qbsync/drain":"true"}""";
        api.Status = status;

        Assert.That(await Gate(DrainMode.Annotation, api.Cluster).IsOpenAsync(default).DefaultTimeout(), Is.False);
        Assert.That(_log.Entries.Single().Level, Is.EqualTo(LogLevel.Warning));
    }

    [TestCase("<html>a proxy's page</html>")]
    [TestCase("[]")]
    [TestCase("\"true\"")]
    [TestCase("""{"metadata":"true"}""")]
    [TestCase("")]
    [SourceCase(117)]
    [HostCase(15)]
    public async Task AnswerThatIsNoPod_IsANo(string document)
    {
        await using var api = await FakeClusterApi.StartAsync();
        api.Document = document;

        Assert.That(await Gate(DrainMode.Annotation, api.Cluster).IsOpenAsync(default).DefaultTimeout(), Is.False);
    }

    [Test]
    [SourceCase(117)]
    [HostCase(15)]
    public async Task ApiThatHangs_IsANoAfterFiveSeconds()
    {
        await using var api = await FakeClusterApi.StartAsync();
        api.Hangs = true;
        var time = new FakeTimeProvider();
        var asked = Gate(DrainMode.Annotation, api.Cluster, time).IsOpenAsync(default);
        await Eventually.BecomesTrueAsync(() => api.Requests == 1);
        Assert.That(asked.IsCompleted, Is.False);

        time.Advance(DrainGate.Limit);

        Assert.That(await asked.DefaultTimeout(), Is.False);
    }

    [Test]
    public async Task SecondSignal_EndsTheQuestion()
    {
        await using var api = await FakeClusterApi.StartAsync();
        api.Hangs = true;
        using var hurry = new CancellationTokenSource();
        var asked = Gate(DrainMode.Annotation, api.Cluster).IsOpenAsync(hurry.Token);
        await Eventually.BecomesTrueAsync(() => api.Requests == 1);

        await hurry.CancelAsync();

        Assert.That(await asked.DefaultTimeout(), Is.False);
    }

    [Test]
    [SourceCase(117)]
    [HostCase(15)]
    public async Task ApiOfAnotherAuthority_IsNotBelieved()
    {
        await using var api = await FakeClusterApi.StartAsync();
        api.Annotations = """{"qbsync/drain":"true"}""";
        await api.DistrustAsync();

        Assert.That(await Gate(DrainMode.Annotation, api.Cluster).IsOpenAsync(default).DefaultTimeout(), Is.False);
        Assert.That(api.Requests, Is.Zero, "the token was not given away");
    }

    [Test]
    [SourceCase(117)]
    [HostCase(15)]
    public async Task NoToken_OrNoName_IsANo()
    {
        await using var api = await FakeClusterApi.StartAsync();
        var nameless = InClusterApi.Find(new Dictionary<string, string>(api.Environment) { ["POD_NAME"] = "" }, api.Cluster.Account);
        Assert.That(await Gate(DrainMode.Annotation, nameless).IsOpenAsync(default).DefaultTimeout(), Is.False);
        api.RemoveToken();
        Assert.That(await Gate(DrainMode.Annotation, api.Cluster).IsOpenAsync(default).DefaultTimeout(), Is.False);
        Assert.That(api.Requests, Is.Zero);
    }

    [Test]
    [SourceCase(117)]
    [HostCase(15)]
    public async Task NoCluster_IsANoWithOneLine()
    {
        Assert.That(InClusterApi.Find(new Dictionary<string, string>()), Is.Null);
        Assert.That(await Gate(DrainMode.Annotation, null).IsOpenAsync(default).DefaultTimeout(), Is.False);
        Assert.That(_log.Entries.Select(static entry => entry.Level), Is.EqualTo([LogLevel.Information]));
    }

    [TestCase(DrainMode.Always, true)]
    [TestCase(DrainMode.Never, false)]
    [SourceCase(117)]
    [HostCase(15)]
    public async Task AlwaysAndNever_AskNobody(DrainMode mode, bool expected)
    {
        await using var api = await FakeClusterApi.StartAsync();

        Assert.That(await Gate(mode, api.Cluster).IsOpenAsync(default).DefaultTimeout(), Is.EqualTo(expected));
        Assert.That(api.Requests, Is.Zero);
    }

    /// <summary>Its clock stands still unless a test moves it: an answer of a busy machine is not late.</summary>
    private DrainGate Gate(DrainMode mode, InClusterApi? cluster, TimeProvider? time = null) =>
        new(mode, Annotation, cluster, time ?? new FakeTimeProvider(), _log.CreateLogger<DrainGate>());
}
