namespace QbSync.Engine.Source.Streaming;

/// <summary>
/// The right to send pieces of one torrent, made by the transition into Streaming and nowhere else. Voiding it ends what is being sent. Thread-safe.
/// </summary>
internal sealed class StreamGrant(ulong incarnation, ulong epoch, long firstAttempt)
{
    private readonly CancellationTokenSource _void = new();

    /// <summary>Incarnation of the destination that gave it.</summary>
    public ulong Incarnation { get; } = incarnation;

    /// <summary>Epoch of the destination's session.</summary>
    public ulong Epoch { get; } = epoch;

    /// <summary>Attempts below belong to older grants.</summary>
    public long FirstAttempt { get; } = firstAttempt;

    /// <summary>Cancelled when it is void.</summary>
    public CancellationToken Token => _void.Token;

    public bool IsVoid => _void.IsCancellationRequested;

    public void Void() => _void.Cancel();
}
