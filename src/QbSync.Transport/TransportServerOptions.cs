namespace QbSync.Transport;

/// <summary>What a destination takes from its sources, and the buffers that it holds for them. Read once, at the start.</summary>
public sealed class TransportServerOptions
{
    /// <summary>HTTP/2 window of a piece stream: what may be on the way before the server has read it.</summary>
    /// <value>16 MiB, in bytes; 1 to 256 MiB.</value>
    public int StreamWindow { get; set; } = 16 << 20;

    /// <summary>HTTP/2 window of a connection.</summary>
    /// <value>64 MiB, in bytes; 1 MiB to 1 GiB, not below <see cref="StreamWindow"/>.</value>
    public int ConnectionWindow { get; set; } = 64 << 20;

    /// <summary>Size of the blocks that sockets are read into. Small ones cost a system call for each few KiB.</summary>
    /// <value>256 KiB, in bytes; 4 KiB to 1 MiB.</value>
    public int BlockBytes { get; set; } = 256 << 10;

    /// <summary>Received chunks, of all streams, that may wait for the disk.</summary>
    /// <value>512 MiB, in bytes; 16 MiB to 64 GiB.</value>
    public long ReceiveBudget { get; set; } = 512L << 20;

    /// <summary>A piece received whole is answered within this.</summary>
    /// <value>45 s; 5 s to 10 min.</value>
    public TimeSpan AnswerWithin { get; set; } = TimeSpan.FromSeconds(45);

    /// <summary>Least time between two batches of acks of a stream.</summary>
    /// <value>2 ms; 0 to 50 ms.</value>
    public TimeSpan AckDelay { get; set; } = TimeSpan.FromMilliseconds(2);

    /// <summary>Chunks that are hashed and written at a time, over all streams.</summary>
    /// <value>0 (twice the processors, at most 8), else 1 to 64.</value>
    public int StreamWorkers { get; set; }

    /// <summary>Most piece streams of one connection of a peer.</summary>
    /// <value>16; 1 to 64.</value>
    public int MaxStreams { get; set; } = 16;

    /// <summary>Most connections of one authenticated peer.</summary>
    /// <value>64; 1 to 1024.</value>
    public int MaxConnections { get; set; } = 64;

    /// <summary>Most calls of one authenticated peer that are answered at a time; as many watches.</summary>
    /// <value>32; 1 to 1024.</value>
    public int MaxCalls { get; set; } = 32;

    /// <summary>Largest <c>.torrent</c> that is taken.</summary>
    /// <value>100 MiB, in bytes; 1 MiB to 256 MiB.</value>
    public long MaxTorrentBytes { get; set; } = 100L << 20;

    /// <summary>Whom to trust and as whom to appear.</summary>
    /// <value>The defaults of <see cref="SecurityOptions"/>: peers are paired.</value>
    public SecurityOptions Security { get; set; } = new();

    internal int WorkerCount => StreamWorkers > 0 ? StreamWorkers : Math.Min(8, 2 * Environment.ProcessorCount);

    /// <summary>Everything that is wrong with these values; empty when nothing is.</summary>
    public IReadOnlyList<string> Validate()
    {
        List<string> errors = [];
        OptionRange.Check(errors, nameof(StreamWindow), StreamWindow, 1 << 20, 256 << 20);
        OptionRange.Check(errors, nameof(ConnectionWindow), ConnectionWindow, 1 << 20, 1 << 30);
        if (ConnectionWindow < StreamWindow)
        {
            errors.Add($"{nameof(ConnectionWindow)}: {ConnectionWindow} is less than {nameof(StreamWindow)} ({StreamWindow})");
        }

        OptionRange.Check(errors, nameof(BlockBytes), BlockBytes, 4 << 10, 1 << 20);
        OptionRange.Check(errors, "max-stream-buffer", ReceiveBudget, 16L << 20, 64L << 30);
        OptionRange.Check(errors, nameof(AnswerWithin), AnswerWithin, TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(10));
        OptionRange.Check(errors, nameof(AckDelay), AckDelay, TimeSpan.Zero, TimeSpan.FromMilliseconds(50));
        OptionRange.Check(errors, nameof(StreamWorkers), StreamWorkers, 0, 64);
        OptionRange.Check(errors, "max-peer-streams", MaxStreams, 1, 64);
        OptionRange.Check(errors, "max-peer-connections", MaxConnections, 1, 1024);
        OptionRange.Check(errors, "max-peer-calls", MaxCalls, 1, 1024);
        OptionRange.Check(errors, nameof(MaxTorrentBytes), MaxTorrentBytes, 1L << 20, 256L << 20);
        errors.AddRange(Security.Validate(listens: true));
        return errors;
    }
}
