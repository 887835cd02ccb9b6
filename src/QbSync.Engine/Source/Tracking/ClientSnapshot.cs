using QbSync.Ports;

namespace QbSync.Engine.Source.Tracking;

/// <summary>What the monitor saw, immutable; all of a cycle reads the same one.</summary>
/// <param name="Update">The client's answer.</param>
/// <param name="Description">What the client is.</param>
/// <param name="At">When it came, on the monotonic clock.</param>
internal sealed record ClientSnapshot(ClientUpdate Update, ClientDescription Description, TimeSpan At);
