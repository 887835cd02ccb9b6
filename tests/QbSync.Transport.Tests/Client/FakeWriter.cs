using QbSync.Transport.Client;
using QbSync.Transport.Client.Pooling;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Tests.Client;

/// <summary>Takes frames as the serializer would, without a connection.</summary>
internal sealed class FakeWriter : IFrameWriter
{
    private readonly byte[] _buffer = new byte[1024 * 1024];

    private readonly Lock _gate = new();
    private readonly List<(ulong Transfer, int Offset, int Length)> _chunks = [];

    /// <summary>Chunks that were taken so far.</summary>
    public IReadOnlyList<(ulong Transfer, int Offset, int Length)> Chunks
    {
        get
        {
            lock (_gate)
            {
                return [.. _chunks];
            }
        }
    }

    public List<ulong> Cancelled { get; } = [];

    public StreamEnd Ended { get; private set; }

    public int Pings { get; private set; }

    /// <summary>Runs before a frame is taken.</summary>
    public Func<Task> OnWrite { get; set; } = () => Task.CompletedTask;

    public bool IsBroken { get; set; }

    public async ValueTask<bool> WriteAsync(OutgoingFrame frame)
    {
        await OnWrite();
        if (IsBroken)
        {
            return false;
        }

        if (frame.Other is { Cancel: { } cancel })
        {
            Cancelled.Add(cancel.Transfer);
        }
        else if (frame.Source is { } source)
        {
            frame.WasCancelled = !source.TryFill(frame.Offset, _buffer.AsSpan(0, frame.Length));
            lock (_gate)
            {
                _chunks.Add((frame.Transfer, frame.Offset, frame.Length));
            }
        }

        return true;
    }

    public void End(StreamEnd cause) => Ended = Ended == StreamEnd.None ? cause : Ended;

    public void Ping() => Pings++;

    /// <summary>Limits that credit was given back to.</summary>
    public List<long> Returned { get; } = [];

    public void ReturnCredit(long limit) => Returned.Add(limit);
}
