using System.Collections.Frozen;
using System.Globalization;
using Microsoft.Extensions.Time.Testing;
using Prometheus;
using QbSync.Engine.Status;
using QbSync.Host.Notifications;
using QbSync.Testing.Logging;
using QbSync.Testing.Metrics;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Notifications;

/// <summary>
/// Receivers over real HTTP. The clock is virtual and moved by hand, and only while a delivery waits for its next try: nothing is under way then that could be
/// late.
/// </summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[TestFixture("source")]
[TestFixture("destination")]
internal sealed class NotifierTests(string mode) : IAsyncDisposable
{
    private const string Secret = "0123456789abcdef";
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();
    private readonly LogErrorGuard _log = new();
    private Notifier? _notifier;
    private LittleReceiver? _receiver;

    public async ValueTask DisposeAsync()
    {
        if (_receiver is not null)
        {
            await _receiver.DisposeAsync();
        }

        if (_notifier is not null)
        {
            var stopping = _notifier.DisposeAsync().AsTask();
            await Eventually.BecomesTrueAsync(() =>
            {
                _time.Advance(Courier.Flush);
                return stopping.IsCompleted;
            });
            await stopping;
        }

        _log.Verify();
    }

    [Test]
    [HostCase(42)]
    public async Task Webhook_WithASecret_IsSignedOverTimeAndBody()
    {
        var receiver = await StartAsync();
        _notifier!.Post(Told.Event(EngineEventKind.TorrentSynced));
        await EndsAsync("delivered");
        var request = receiver.Requests.Single();
        Assert.That(request.Headers["X-QbSync-Event"], Is.EqualTo("torrent.synced"));
        Assert.That(request.Headers["X-QbSync-Delivery"], Does.Match("^[0-9a-f]{32}$"));
        Assert.That(request.Headers["X-QbSync-Timestamp"], Is.EqualTo(_time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)));
        Assert.That(request.Headers["X-QbSync-Signature"], Is.EqualTo(WebhookSigner.Sign(Secret, request.Headers["X-QbSync-Timestamp"], request.Body)));
        Assert.That(request.Headers["Content-Type"], Is.EqualTo("application/json; charset=utf-8"));
    }

    [Test]
    [HostCase(42)]
    public async Task Webhook_AnsweredTooManyWithATime_IsTriedAgainThen()
    {
        var receiver = await StartAsync();
        receiver.Answer = static (number, response) =>
        {
            response.StatusCode = number == 0 ? 429 : 204;
            response.Headers.RetryAfter = "120";
        };
        _notifier!.Post(Told.Event(EngineEventKind.SpaceLow));
        await WaitsAgainAsync(1);
        _time.Advance(TimeSpan.FromSeconds(120));
        await EndsAsync("delivered");
        var requests = receiver.Requests.ToArray();
        Assert.That(requests, Has.Length.EqualTo(2));
        Assert.That(requests[1].At - requests[0].At, Is.EqualTo(TimeSpan.FromSeconds(120)));
        Assert.That(requests[1].Headers["X-QbSync-Delivery"], Is.EqualTo(requests[0].Headers["X-QbSync-Delivery"]), "so that the receiver knows it again");
        Assert.That(requests[1].Headers["X-QbSync-Timestamp"], Is.Not.EqualTo(requests[0].Headers["X-QbSync-Timestamp"]));
    }

    [Test]
    [HostCase(42)]
    public async Task Webhook_ThatFailsFiveTimes_IsGivenUpWithOneWarning()
    {
        var receiver = await StartAsync();
        receiver.Answer = static (_, response) => response.StatusCode = 500;
        _notifier!.Post(Told.Event(EngineEventKind.SpaceLow));
        for (var tries = 1; tries < RetryRule.Tries; tries++)
        {
            await WaitsAgainAsync(tries);
            _time.Advance(TimeSpan.FromSeconds(Math.Pow(3, tries - 1)));
        }

        await EndsAsync("failed");
        Assert.That(receiver.Requests, Has.Count.EqualTo(5));
        Assert.That(Warnings(), Is.EqualTo(new[] { "GivenUp" }));
    }

    [TestCase(400)]
    [TestCase(302)]
    [HostCase(42)]
    public async Task Webhook_ThatIsRefusedOrSentElsewhere_IsNotTriedAgainAndNobodyIsFollowed(int status)
    {
        var receiver = await StartAsync();
        receiver.Answer = (_, response) =>
        {
            response.StatusCode = status;
            response.Headers.Location = "/elsewhere";
        };
        _notifier!.Post(Told.Event(EngineEventKind.SpaceLow));
        await EndsAsync("refused");
        Assert.That(receiver.Requests.Select(static request => request.Path), Is.EqualTo(new[] { "/canary-path" }));
        Assert.That(Warnings(), Is.EqualTo(new[] { "Refused" }));
        Assert.That(_log.Entries.Select(static entry => entry.ToString()), Is.All.Not.Contains("canary-path"), "the path of a webhook is a secret");
    }

    [Test]
    [HostCase(42)]
    public async Task Webhook_ThatHangs_IsCutOffAndTriedAgainWhileWhoTellsGoesOn()
    {
        var receiver = await StartAsync();
        receiver.Hangs = true;
        for (var i = 0; i < Courier.Capacity + 10; i++)
        {
            _notifier!.Post(Told.Event(EngineEventKind.TorrentSynced));
        }

        await Eventually.BecomesTrueAsync(() => receiver.Requests.Count == 4);
        Assert.That(await ValueAsync("qbsync_notification_queue_depth"), Is.LessThanOrEqualTo(Courier.Capacity));
        await Eventually.BecomesTrueAsync(async () =>
        {
            _time.Advance(WebhookSender.Patience);
            return await ValueAsync("qbsync_notification_tries_total") > 8;
        });
        Assert.That(await ValueAsync("qbsync_notifications_total", "dropped"), Is.GreaterThan(0), "the oldest of too many");
    }

    [Test]
    public async Task Webhook_OfAnotherCategoryOrEvent_IsNotTold()
    {
        var receiver = await StartAsync(["tv/*"], EngineEventKind.TorrentSynced);
        _notifier!.Post(Told.Event(EngineEventKind.TorrentSynced, category: "tv"));
        _notifier.Post(Told.Event(EngineEventKind.TorrentFailed, category: "tv/hd"));
        _notifier.Post(Told.Event(EngineEventKind.SpaceLow));
        _notifier.Post(Told.Event(EngineEventKind.TorrentSynced, name: "mine", category: "tv/hd"));
        await EndsAsync("delivered");
        Assert.That(System.Text.Encoding.UTF8.GetString(receiver.Requests.Single().Body), Does.Contain("\"mine\""));
    }

    [Test]
    [HostCase(9)]
    public async Task Apply_AnotherAddressOfTheSameName_IsToldWhatWaits()
    {
        var receiver = await StartAsync();
        receiver.Answer = static (number, response) => response.StatusCode = number == 0 ? 503 : 200;
        _notifier!.Post(Told.Event(EngineEventKind.SpaceLow));
        await WaitsAgainAsync(1);
        _notifier.Apply(Settings(new Uri(receiver.Address, "/new")));
        _time.Advance(TimeSpan.FromSeconds(1));
        await EndsAsync("delivered");
        Assert.That(receiver.Requests.Select(static request => request.Path), Is.EqualTo(new[] { "/canary-path", "/new" }));
    }

    [Test]
    public async Task Dispose_WithSomethingThatWaitsForLong_CountsItAsUnsent()
    {
        var receiver = await StartAsync();
        receiver.Answer = static (_, response) =>
        {
            response.StatusCode = 503;
            response.Headers.RetryAfter = "3600";
        };
        _notifier!.Post(Told.Event(EngineEventKind.SpaceLow));
        await WaitsAgainAsync(1);
        await _notifier.DisposeAsync().DefaultTimeout(); // nothing is due within the flush, so no time has to pass
        Assert.That(await ValueAsync("qbsync_notifications_total", "unsent"), Is.EqualTo(1));
        _notifier.Post(Told.Event(EngineEventKind.SpaceLow));
        Assert.That(await ValueAsync("qbsync_notifications_total", "unsent"), Is.EqualTo(2));
    }

    private async Task<LittleReceiver> StartAsync(IReadOnlyList<string>? categories = null, params EngineEventKind[] events)
    {
        _receiver = await LittleReceiver.StartAsync(_time);
        _notifier = new Notifier(
            Settings(new Uri(_receiver.Address, "/canary-path"), categories, events), mode, "box", Metrics.WithCustomRegistry(_registry), _log, _time, new Random(1));
        return _receiver;
    }

    private static NotificationSettings Settings(Uri url, IReadOnlyList<string>? categories = null, params EngineEventKind[] events) => new(
        [new Webhook("w", (events.Length > 0 ? events : Enum.GetValues<EngineEventKind>()).ToFrozenSet(), categories ?? [], Preset.Generic, url) { Secret = Secret }], []);

    /// <summary>That many tries have failed, and the delivery waits for the next one: then its depth is 1 again.</summary>
    private Task WaitsAgainAsync(int tries) => Eventually.BecomesTrueAsync(
        async () => await ValueAsync("qbsync_notification_tries_total") == tries && _receiver!.Requests.Count == tries
            && await ValueAsync("qbsync_notification_queue_depth") == 1);

    private Task EndsAsync(string result) => Eventually.BecomesTrueAsync(async () => await ValueAsync("qbsync_notifications_total", result) == 1);

    private async Task<double> ValueAsync(string family, string? result = null)
    {
        using var text = new MemoryStream();
        await MovedSeries.CollectAsync(_registry, text);
        var labels = $"{{mode=\"{mode}\",channel=\"webhook\"" + (result is null ? "" : $",result=\"{result}\"") + "} ";
        return System.Text.Encoding.UTF8.GetString(text.ToArray()).Split('\n').Where(line => line.StartsWith(family + labels, StringComparison.Ordinal))
            .Select(line => double.Parse(line[(family + labels).Length..], CultureInfo.InvariantCulture)).Single();
    }

    private IEnumerable<string?> Warnings() => _log.Entries.Where(static entry => entry.Level == Microsoft.Extensions.Logging.LogLevel.Warning).Select(static entry => entry.Id.Name);
}
