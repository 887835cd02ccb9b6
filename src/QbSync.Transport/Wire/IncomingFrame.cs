using QbSync.Pieces;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Wire;

/// <summary>What a received frame is.</summary>
internal enum IncomingKind
{
    /// <summary>No arm that this build knows: ignored.</summary>
    None = 0,
    Chunk = 1,
    Other = 2,
    Malformed = 3,
}

/// <summary>A received frame. A chunk owns its buffer until <see cref="Dispose"/>; whoever holds the frame disposes it, once.</summary>
internal sealed class IncomingFrame : IDisposable
{
    private ChunkBuffer? _buffer;

    public required IncomingKind Kind { get; init; }

    /// <summary>The arm that generated code read.</summary>
    public SourceFrame? Message { get; init; }

    /// <summary>What is wrong, for the log.</summary>
    public string Error { get; init; } = "";

    public ulong Transfer { get; init; }

    public int Offset { get; init; }

    /// <summary>Set in a transfer's first chunk.</summary>
    public PieceRef? Piece { get; init; }

    public ulong Epoch { get; init; }

    public int Length { get; init; }

    public ReadOnlySpan<byte> Data => _buffer is { } buffer ? buffer.Bytes.AsSpan(0, Length) : [];

    internal ChunkBuffer? Buffer
    {
        init => _buffer = value;
    }

    public void Dispose() => Interlocked.Exchange(ref _buffer, null)?.Return();
}
