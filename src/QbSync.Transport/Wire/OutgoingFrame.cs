using QbSync.Ports;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Wire;

/// <summary>
/// A frame to send: a chunk, whose bytes are taken from its source while it is written, or any other arm as generated code. Mutable, so that a stream
/// needs only one; a frame may be set anew as soon as the write that took it has ended. Not thread-safe.
/// </summary>
internal sealed class OutgoingFrame
{
    /// <summary>The arm that generated code writes; null when the frame is a chunk.</summary>
    public SourceFrame? Other { get; private set; }

    public ulong Transfer { get; private set; }

    public int Offset { get; private set; }

    public int Length { get; private set; }

    /// <summary>The transfer's first chunk, which says which piece it is.</summary>
    public bool IsFirst { get; private set; }

    public IChunkSource? Source { get; private set; }

    /// <summary>
    /// The source's bytes had changed while the chunk was written: what went out in its place cancels the transfer and weighs nothing.
    /// </summary>
    public bool WasCancelled { get; internal set; }

    public OutgoingFrame SetOther(SourceFrame frame)
    {
        (Other, Source, WasCancelled) = (frame, null, false);
        return this;
    }

    public OutgoingFrame SetChunk(ulong transfer, IChunkSource source, int offset, int length, bool isFirst)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        (Other, Source, WasCancelled) = (null, source, false);
        (Transfer, Offset, Length, IsFirst) = (transfer, offset, length, isFirst);
        return this;
    }
}
