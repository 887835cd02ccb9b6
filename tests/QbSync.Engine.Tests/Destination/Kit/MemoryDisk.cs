using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Destination.Kit;

/// <summary>What survives a restart of a <see cref="MemoryStore"/>: final files and the durable record of each torrent.</summary>
internal sealed class MemoryDisk
{
    public Lock Gate { get; } = new();

    /// <summary>Final files by their path below the root.</summary>
    public Dictionary<string, byte[]> Files { get; } = [];

    public Dictionary<InfoHash, Saved> Torrents { get; } = [];

    public long? FreeBytes { get; set; } = 1L << 40;

    /// <summary>Makes the next calls of one verb fail.</summary>
    public Dictionary<string, Queue<StorageException>> Faults { get; } = [];

    public void Fail(string verb, StorageFault fault)
    {
        lock (Gate)
        {
            if (!Faults.TryGetValue(verb, out var queue))
            {
                Faults[verb] = queue = new Queue<StorageException>();
            }

            queue.Enqueue(new StorageException(fault, $"injected: {verb}"));
        }
    }

    /// <summary>Whether a fault of a verb is still to come.</summary>
    public bool IsFaulty(string verb)
    {
        lock (Gate)
        {
            return Faults.TryGetValue(verb, out var queue) && queue.Count > 0;
        }
    }

    public void ThrowIfFaulty(string verb)
    {
        lock (Gate)
        {
            if (Faults.TryGetValue(verb, out var queue) && queue.TryDequeue(out var fault))
            {
                throw fault;
            }
        }
    }

    /// <summary>The durable record of a torrent, with the bytes of its pieces.</summary>
    internal sealed class Saved(StoreRequest request)
    {
        public StoreRequest Request { get; set; } = request;

        public bool AddedByUs { get; set; }

        public StoredPhase Phase { get; set; }

        public Refusal? Failure { get; set; }

        public ulong Epoch { get; set; } = 1;

        public byte[] Bytes { get; } = new byte[request.Manifest.Length];

        public PieceBitmap Have { get; set; } = new(request.Manifest.PieceCount);

        public PieceBitmap ReadBack { get; } = new(request.Manifest.PieceCount);

        public HashSet<int> Published { get; } = [];

        public string? PartFile { get; set; }
    }
}
