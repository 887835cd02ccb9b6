using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Engine.Status;

namespace QbSync.Host.Notifications;

/// <summary>
/// Tells a role's receivers what happens in it. Whoever has something to tell waits for nothing; who is told, and how, may change while it runs.
/// </summary>
internal sealed partial class Notifier : IAsyncDisposable
{
    private const int WebhooksAtOnce = 4;
    private const int HooksAtOnce = 2;
    private const int ShownOutput = 500;

    private readonly string _mode;
    private readonly string _node;
    private readonly Random _random;
    private readonly Lock _randomGate = new();
    private readonly ILogger<Notifier> _logger;
    private readonly WebhookSender _sender;
    private readonly HookRunner _runner;
    private readonly Courier _webhooks;
    private readonly Courier _hooks;
    private volatile Receivers _receivers;

    /// <param name="random">Its own: nobody else uses it.</param>
    public Notifier(NotificationSettings settings, string mode, string node, IMetricFactory metrics, ILoggerFactory loggers, TimeProvider time, Random random)
    {
        (_mode, _node, _random, _receivers) = (mode, node, random, new Receivers(settings));
        _logger = loggers.CreateLogger<Notifier>();
        _sender = new WebhookSender(time);
        _runner = new HookRunner(time);
        var families = new NotificationMetrics(metrics, mode);
        _webhooks = new Courier(WebhooksAtOnce, Guard(SendAsync), families.Of("webhook"), time);
        _hooks = new Courier(HooksAtOnce, Guard(RunAsync), families.Of("hook"), time);
        _webhooks.Start();
        _hooks.Start();
    }

    /// <summary>Tells everybody who wants to know, and returns at once. From any thread.</summary>
    public void Post(EngineEvent happened)
    {
        var receivers = _receivers;
        if (!receivers.All.Any(one => one.Wants(happened)))
        {
            return;
        }

        var told = Notification.Of(happened, _mode, _node);
        foreach (var receiver in receivers.All.Where(one => one.Wants(happened)))
        {
            (receiver is Hook ? _hooks : _webhooks).Post(receiver.Name, told);
        }
    }

    /// <summary>From now on it tells these. What waits for one of the same name is told to that, as it is now.</summary>
    public void Apply(NotificationSettings settings) => _receivers = new Receivers(settings);

    /// <summary>Stops, after a moment for what is left.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_webhooks.DisposeAsync().AsTask(), _hooks.DisposeAsync().AsTask());
        _sender.Dispose();
    }

    private async Task<TryEnd> SendAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        if (_receivers.Webhooks.GetValueOrDefault(delivery.Receiver) is not { } webhook || !webhook.Wants(delivery.Told.Event))
        {
            return new TryEnd(DeliveryEnd.Dropped);
        }

        var tries = delivery.Tries + 1;
        var outcome = await _sender.SendAsync(webhook, delivery.Told, cancellationToken);
        switch (RetryRule.Decide(outcome, tries, NextChance()))
        {
            case NextStep.Again(var after):
                Log.TriesAgain(_logger, webhook.Name, webhook.Place, delivery.Told.EventName, outcome.Problem, after.TotalSeconds);
                return new TryEnd(null, after);
            case NextStep.GiveUp(true):
                Log.Refused(_logger, webhook.Name, webhook.Place, delivery.Told.EventName, outcome.Problem);
                return new TryEnd(DeliveryEnd.Refused);
            case NextStep.GiveUp:
                Log.GivenUp(_logger, webhook.Name, webhook.Place, delivery.Told.EventName, tries, outcome.Problem);
                return new TryEnd(DeliveryEnd.Failed);
            default:
                return new TryEnd(DeliveryEnd.Delivered);
        }
    }

    private async Task<TryEnd> RunAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        if (_receivers.Hooks.GetValueOrDefault(delivery.Receiver) is not { } hook || !hook.Wants(delivery.Told.Event))
        {
            return new TryEnd(DeliveryEnd.Dropped);
        }

        var outcome = await _runner.RunAsync(hook, delivery.Told, cancellationToken);
        var output = NotificationText.Cut(outcome.Output.Trim(), ShownOutput);
        if (outcome.IsGood)
        {
            Log.HookRan(_logger, hook.Name, delivery.Told.EventName, output);
            return new TryEnd(DeliveryEnd.Delivered);
        }

        Log.HookFailed(_logger, hook.Name, delivery.Told.EventName, outcome.Problem, output);
        return new TryEnd(DeliveryEnd.Failed);
    }

    /// <summary>What nobody foresaw costs one notification, and not all that come after it.</summary>
    private Func<Delivery, CancellationToken, Task<TryEnd>> Guard(Func<Delivery, CancellationToken, Task<TryEnd>> tryAsync) => async (delivery, cancellationToken) =>
    {
        try
        {
            return await tryAsync(delivery, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && e is not OutOfMemoryException)
        {
            Log.Unexpected(_logger, delivery.Receiver, delivery.Told.EventName, e);
            return new TryEnd(DeliveryEnd.Failed);
        }
    };

    private double NextChance()
    {
        lock (_randomGate)
        {
            return _random.NextDouble();
        }
    }

    /// <summary>Who is told now. Immutable, swapped whole.</summary>
    private sealed class Receivers(NotificationSettings settings)
    {
        public IReadOnlyList<Receiver> All { get; } = [.. settings.Webhooks, .. settings.Hooks];

        public FrozenDictionary<string, Webhook> Webhooks { get; } = settings.Webhooks.ToFrozenDictionary(static one => one.Name);

        public FrozenDictionary<string, Hook> Hooks { get; } = settings.Hooks.ToFrozenDictionary(static one => one.Name);
    }
}
