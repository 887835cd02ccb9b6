using QbSync.Pieces;
using QbSync.Torrents;

namespace QbSync.Testing.Clients.Sim;

/// <summary>What a simulated torrent is busy with.</summary>
public enum SimActivity
{
    None,
    ReadingRecords,
    Checking,
    Moving,
}

/// <summary>A torrent of the simulated client. Guarded by its model.</summary>
public sealed class SimTorrent
{
    private readonly List<(DateTimeOffset Due, Action Act)> _later = [];

    internal SimTorrent(string id, ReadOnlyMemory<byte> bytes, TorrentManifest manifest, string savePath, IEnumerable<string> paths)
    {
        Id = id;
        Bytes = bytes;
        Manifest = manifest;
        SavePath = savePath;
        Have = new PieceBitmap(manifest.PieceCount);
        Paths = [.. paths];
        Priorities = [.. manifest.Files.Select(static _ => 1)];
    }

    public string Id { get; }

    public ReadOnlyMemory<byte> Bytes { get; }

    public TorrentManifest Manifest { get; }

    public string SavePath { get; internal set; }

    /// <summary>Paths below the save path, by the manifest's index.</summary>
    public List<string> Paths { get; }

    /// <summary>By the manifest's index; 0 is not wanted.</summary>
    public List<int> Priorities { get; }

    /// <summary>What it knows that it has.</summary>
    public PieceBitmap Have { get; internal set; }

    public bool IsStopped { get; internal set; } = true;

    public bool IsMissing { get; internal set; }

    public SimActivity Activity { get; internal set; }

    public string Category { get; internal set; } = "";

    public SortedSet<string> Tags { get; } = new(StringComparer.Ordinal);

    public bool IsManaged { get; internal set; }

    public double RatioLimit { get; internal set; } = -2;

    public int SeedingMinutesLimit { get; internal set; } = -2;

    public int InactiveMinutesLimit { get; internal set; } = -2;

    public DateTimeOffset AddedAt { get; internal init; }

    public DateTimeOffset? CompletedAt { get; internal set; }

    /// <summary>When lists show it.</summary>
    public DateTimeOffset ListedAt { get; internal init; }

    /// <summary>Files a list shows, by the manifest's index.</summary>
    internal List<int> Listed { get; init; } = [];

    internal CheckRun? Check { get; set; }

    /// <summary>Selected bytes; of listed pads too.</summary>
    public long SelectedSize => Listed.Where(index => Priorities[index] > 0).Sum(index => Manifest.Files[index].Length);

    /// <summary>Selected bytes of pieces that it lacks.</summary>
    public long AmountLeft
    {
        get
        {
            var left = 0L;
            var segments = new List<PieceSegment>();
            var layout = new PieceLayout(Manifest, Selection.All(Manifest));
            for (var piece = Have.NextClear(0); piece >= 0; piece = Have.NextClear(piece + 1))
            {
                segments.Clear();
                layout.GetSegments(piece, segments);
                left += segments.Where(segment => !segment.IsPad && Priorities[segment.FileIndex] > 0).Sum(static segment => (long)segment.Length);
            }

            return left;
        }
    }

    public double Progress => SelectedSize == 0 ? 0 : 1 - (double)AmountLeft / SelectedSize;

    internal void Later(DateTimeOffset due, Action act) => _later.Add((due, act));

    internal void DropLater() => _later.Clear();

    internal int PendingCount => _later.Count;

    internal void Settle(DateTimeOffset now)
    {
        while (_later.Count > 0)
        {
            var next = _later.MinBy(static item => item.Due);
            if (next.Due > now)
            {
                return;
            }

            _later.Remove(next);
            next.Act();
        }
    }

    /// <summary>A check under way; what it found counts when it ends, unless it was abandoned.</summary>
    internal sealed class CheckRun
    {
        public bool IsAbandoned { get; set; }
    }
}
