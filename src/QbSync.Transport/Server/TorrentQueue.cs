using QbSync.Torrents;

namespace QbSync.Transport.Server;

/// <summary>A torrent before the write workers, over all streams. Its numbers belong to the gate of <see cref="WriteWorkers"/>.</summary>
internal sealed class TorrentQueue
{
    public TorrentQueue(InfoHash id)
    {
        Id = id;
        Node = new LinkedListNode<TorrentQueue>(this);
    }

    public InfoHash Id { get; }

    /// <summary>Its place in the round, when it has one; made once, so that a turn allocates nothing.</summary>
    public LinkedListNode<TorrentQueue> Node { get; }

    /// <summary>Its lanes that have something to do and no worker.</summary>
    public Queue<FrameLane> Ready { get; } = [];

    /// <summary>Streams that have a lane of it.</summary>
    public int Lanes { get; set; }

    /// <summary>Workers that it holds.</summary>
    public int Running { get; set; }

    /// <summary>Weight that it may still take in its turn; below zero when the last chunk was larger than what was left.</summary>
    public long Deficit { get; set; }

    /// <summary>Weight received and not yet written or dropped.</summary>
    public long Held { get; set; }

    /// <summary>When its newest chunk came.</summary>
    public long LastTraffic { get; set; }
}
