using QbSync.Engine.Status;

namespace QbSync.Engine.Source;

/// <summary>Why a torrent rests in its state, and until when. Only holds retry, never polls.</summary>
/// <param name="WaitingFor">What it waits for, as shown.</param>
/// <param name="Fault">Class of the fault; null for a wait that is no fault.</param>
/// <param name="RetryAt">On the monotonic clock; <see cref="TimeSpan.MaxValue"/> when only news ends it.</param>
/// <param name="Text">For people.</param>
/// <param name="Failures">How often in a row.</param>
internal sealed record Hold(WaitingReason WaitingFor, FaultClass? Fault, TimeSpan RetryAt, string Text, int Failures);
