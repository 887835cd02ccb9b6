using System.Security.Cryptography;
using QbSync.Engine.Status;

namespace QbSync.Host.Notifications;

/// <summary>Something that happened in an engine, as receivers are told. Immutable.</summary>
/// <param name="Id">Its own, the same for all receivers.</param>
/// <param name="Event">What happened.</param>
/// <param name="Mode">The role in which it did.</param>
/// <param name="Node">What this node is called.</param>
internal sealed record Notification(string Id, EngineEvent Event, string Version, string Mode, string Node)
{
    /// <summary>Its kind as configuration and receivers write it.</summary>
    public string EventName => EventNames.Of(Event.Kind);

    /// <summary>What happened, in a sentence.</summary>
    public string Text { get; } = NotificationText.Of(Event, Mode);

    public static Notification Of(EngineEvent happened, string mode, string node) =>
        new(RandomNumberGenerator.GetHexString(32, lowercase: true), happened, HostMetrics.Version, mode, node);
}
