using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>A torrent in the scripted client. Changes take effect at the next poll. Guarded by its client.</summary>
internal sealed class ScriptedTorrent(BuiltTorrent torrent, DateTimeOffset addedAt)
{
    public DateTimeOffset AddedAt { get; set; } = addedAt;

    public BuiltTorrent Torrent { get; } = torrent;

    public ClientTorrentId Id { get; } = new(torrent.Id.ToString());

    public byte[] Exported { get; set; } = torrent.Bytes;

    public PieceBitmap Has { get; } = new(torrent.Manifest.PieceCount);

    /// <summary>What is on disk, where that differs from what the client says it has; null for the same.</summary>
    public PieceBitmap? OnDisk { get; set; }

    /// <summary>What the client answers when it is asked for the pieces, where that is not what it has; null for the truth.</summary>
    public PieceBitmap? Told { get; set; }

    public HashSet<string> Tags { get; } = [];

    public HashSet<int> Unselected { get; } = [];

    public ClientTorrentState? ForcedState { get; set; }

    public bool HasMetadata { get; set; } = true;

    public string SavePath { get; set; } = "/downloads";

    /// <summary>What the client says of the content's path; null for the truth.</summary>
    public string? ToldContentPath { get; set; }

    public string Category { get; set; } = "films";

    public IReadOnlyList<string> Trackers { get; set; } = [];

    public TrackerStatus TrackerStatus { get; set; } = TrackerStatus.Working;

    /// <summary>Whether the user, or we, stopped it.</summary>
    public bool IsStopped { get; set; }

    /// <summary>A client that answers to a stop or start and does nothing.</summary>
    public bool IsDeaf { get; set; }

    public TimeSpan? SeedingTime { get; set; } = TimeSpan.FromMinutes(30);

    public int TrackerCalls { get; set; }

    /// <summary>How many of the next questions for its trackers fail.</summary>
    public int TrackerFaults { get; set; }

    public int ExportCalls { get; set; }

    public int FilesCalls { get; set; }

    /// <summary>Whether questions for its files fail.</summary>
    public bool FilesFault { get; set; }

    public int PieceCalls { get; set; }

    public bool IsComplete => Has.IsFull;

    /// <summary>What the client calls it.</summary>
    public string Name { get; set; } = torrent.Name;

    /// <summary>Whether the client says when it was complete.</summary>
    public bool TellsCompletion { get; set; } = true;

    public ShareLimits Limits { get; set; } = ShareLimits.Global;

    public TorrentStatus Status
    {
        get
        {
            var left = IsComplete ? 0 : Math.Max(1, Torrent.Manifest.ContentLength - ((long)Has.Count * Torrent.Manifest.PieceLength));
            return new TorrentStatus
            {
                Id = Id,
                V1 = Torrent.Manifest.V1,
                V2 = Torrent.Manifest.V2,
                Name = Name,
                State = ForcedState ?? (IsComplete, IsStopped) switch
                {
                    (true, false) => ClientTorrentState.StalledUp,
                    (true, true) => ClientTorrentState.StoppedUp,
                    (false, false) => ClientTorrentState.Downloading,
                    (false, true) => ClientTorrentState.StoppedDl,
                },
                Progress = IsComplete ? 1 : (double)Has.Count / Has.Length,
                AmountLeft = left,
                CompletedBytes = Torrent.Manifest.ContentLength - left,
                SelectedSize = Torrent.Files.Where((_, i) => !Unselected.Contains(i)).Sum(file => file.Length),
                Tags = Tags.ToHashSet(),
                Category = Category,
                SavePath = SavePath,
                ContentPath = ToldContentPath ?? $"{SavePath}/{Torrent.Name}",
                AddedAt = AddedAt,
                CompletedAt = IsComplete && TellsCompletion ? AddedAt : null,
                Limits = Limits,
                HasMetadata = HasMetadata,
                Ratio = 0.5,
                SeedingTime = SeedingTime,
            };
        }
    }
}
