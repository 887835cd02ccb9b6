using System.Collections.Frozen;
using QbSync.Engine.Status;
using QbSync.Host.Configuration;

namespace QbSync.Host.Notifications;

/// <summary>Who is told what happens. Immutable; with the secrets as they were when it was read.</summary>
internal sealed record NotificationSettings(IReadOnlyList<Webhook> Webhooks, IReadOnlyList<Hook> Hooks)
{
    private const int LeastKey = 16;

    /// <summary>Nobody is.</summary>
    public static NotificationSettings None { get; } = new([], []);

    /// <summary>What nobody may read: secrets, keys, and addresses with their paths.</summary>
    public IEnumerable<string> Secrets => Webhooks.SelectMany(SecretsOf).Where(static secret => secret.Length > 0).Distinct();

    /// <summary>Reads them; everything that is wrong is reported, and what is in it left out.</summary>
    public static NotificationSettings Read(Roles role, OptionValues values, OptionErrors errors)
    {
        var common = values.Secret("webhook-secret").Reveal();
        if (common.Length is > 0 and < NotificationReader.LeastSecret)
        {
            errors.Report("webhook-secret", values.GetOrigin("webhook-secret"), "too short", $"Give {NotificationReader.LeastSecret} characters or more.");
        }

        List<Webhook> webhooks = [.. new NotificationReader(role, "webhooks", values, errors).ReadWebhooks(common)];
        if (Units.TryParseUrl(values.Secret("webhook-url").Reveal(), out var url))
        {
            webhooks.Insert(0, new Webhook("webhook-url", Enum.GetValues<EngineEventKind>().ToFrozenSet(), [], Preset.Generic, url) { Secret = common });
        }

        return new NotificationSettings(webhooks, [.. new NotificationReader(role, "hooks", values, errors).ReadHooks()]);
    }

    /// <summary>Of an address neither a host alone nor a short part of its path is a secret: those are in too many lines.</summary>
    private static IEnumerable<string> SecretsOf(Webhook webhook)
    {
        yield return webhook.Secret;
        yield return webhook.Key;
        if (webhook.Url.PathAndQuery.Length > 1)
        {
            yield return webhook.Url.OriginalString;
            yield return webhook.Url.Authority + webhook.Url.PathAndQuery;
        }

        foreach (var part in webhook.Url.PathAndQuery.Split('/', '?', '&', '=').Where(static part => part.Length >= LeastKey))
        {
            yield return part;
        }
    }
}
