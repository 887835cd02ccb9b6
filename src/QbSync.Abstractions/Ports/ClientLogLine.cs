namespace QbSync.Ports;

/// <summary>A line of a client's own log.</summary>
/// <param name="At">When it was written, by the client's clock.</param>
/// <param name="Text">For people; it names torrents and paths as the client sees them.</param>
public sealed record ClientLogLine(DateTimeOffset At, string Text);
