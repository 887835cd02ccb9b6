using Microsoft.Extensions.Time.Testing;
using QbSync.Pieces;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>How fast a memory link is, and how late its answers come. Thread-safe.</summary>
internal sealed class LinkPace
{
    private readonly Lock _gate = new();
    private DateTimeOffset _free;

    /// <summary>The clock of the test; needed for any of the rest.</summary>
    public FakeTimeProvider? Time { get; set; }

    /// <summary>0 for no limit.</summary>
    public long BytesPerSecond { get; set; }

    /// <summary>From the last byte there to the answer here.</summary>
    public TimeSpan AckAfter { get; set; }

    /// <summary>Streams that pieces take turns on.</summary>
    public int Streams { get; set; } = 2;

    /// <summary>What is waited for when a piece is about to be read for sending.</summary>
    public Func<PieceRef, Task> OnSending { get; set; } = static _ => Task.CompletedTask;

    public DateTimeOffset Now => Time?.GetUtcNow() ?? DateTimeOffset.MinValue;

    /// <summary>Waits until so many bytes are on the wire, one piece after the other.</summary>
    public async Task PassAsync(int bytes, CancellationToken cancellationToken)
    {
        if (BytesPerSecond == 0 || Time is null)
        {
            return;
        }

        TimeSpan wait;
        lock (_gate)
        {
            var now = Time.GetUtcNow();
            _free = (_free > now ? _free : now) + TimeSpan.FromSeconds((double)bytes / BytesPerSecond);
            wait = _free - now;
        }

        await Task.Delay(wait, Time, cancellationToken);
    }
}
