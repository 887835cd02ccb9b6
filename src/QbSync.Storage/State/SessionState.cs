using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Storage.State;

/// <summary>
/// What a session's journal says: changed by records and by nothing else, the same way when they are committed and when they are replayed.
/// Not thread-safe; owned by <see cref="SessionJournal"/>.
/// </summary>
internal sealed class SessionState(TorrentManifest manifest)
{
    private readonly Dictionary<int, IReadOnlyList<string>> _names = [];

    public TorrentManifest Manifest => manifest;

    public Guid Source { get; private set; }

    public ulong Epoch { get; private set; } = 1;

    public TorrentParameters Parameters { get; private set; } = new();

    public Selection? Selection { get; private set; }

    public Place? Place { get; private set; }

    public StoredPhase Phase { get; private set; }

    public Refusal? Failure { get; private set; }

    public bool IsDeleting { get; private set; }

    /// <summary>Pieces whose bytes are durable.</summary>
    public PieceBitmap Held { get; } = new(manifest.PieceCount);

    /// <summary>Pieces read back from disk and hashed.</summary>
    public PieceBitmap Verified { get; } = new(manifest.PieceCount);

    /// <summary>What stands for each file.</summary>
    public Dictionary<int, FileRecord> Files { get; } = [];

    /// <summary>Files whose final name may or may not be there.</summary>
    public HashSet<int> Publishing { get; } = [];

    /// <summary>Folders that we made, in parts below the root.</summary>
    public List<IReadOnlyList<string>> Folders { get; } = [];

    /// <summary>Name and record of the exported boundary file.</summary>
    public (string Name, FileRecord Record)? Exported { get; private set; }

    /// <summary>Final parts of a file below the place.</summary>
    public IReadOnlyList<string> GetName(int fileIndex) =>
        manifest.Files[fileIndex].IsReal ? _names.GetValueOrDefault(fileIndex, manifest.Files[fileIndex].Path) : [];

    /// <summary>Takes a record; false when it makes no sense for this torrent. A type that a later build of this version added is passed over.</summary>
    public bool Apply(RecordType type, ReadOnlySpan<byte> payload)
    {
        var reader = new RecordReader(payload);
        switch (type)
        {
            case RecordType.Opened:
                Source = reader.ReadBytes() is { Length: 16 } bytes ? new Guid(bytes) : Guid.Empty;
                break;
            case RecordType.Epoch:
                Epoch = reader.ReadUInt64();
                break;
            case RecordType.Parameters:
                Parameters = ReadParameters(ref reader);
                break;
            case RecordType.Selection:
                if (!Selection.TryFromBytes(manifest, reader.ReadBytes(), out var selection))
                {
                    return false;
                }

                Selection = selection;
                break;
            case RecordType.Place:
                Place = new Place(reader.ReadString(), reader.ReadStrings(), (ContentLayout)reader.ReadByte());
                break;
            case RecordType.FileNames:
                return ReadNames(ref reader);
            case RecordType.FolderCreated:
                Folders.Add(reader.ReadStrings());
                break;
            case RecordType.FileState or RecordType.Published:
                return ReadFile(ref reader);
            case RecordType.Publishing:
                Publishing.Add(reader.ReadInt32());
                break;
            case RecordType.PiecesHeld:
                reader.ReadBits(Held, value: true);
                break;
            case RecordType.PiecesVerified:
                reader.ReadBits(Verified, value: true);
                break;
            case RecordType.PiecesCleared:
                reader.ReadBits(Held, value: false);
                Verified.Except(Complement(Held));
                break;
            case RecordType.Exporting:
                Exported = null;
                return true;
            case RecordType.Exported:
                Exported = (reader.ReadString(), ReadRecord(ref reader));
                break;
            case RecordType.Phase:
                Phase = (StoredPhase)reader.ReadByte();
                Failure = reader.ReadByte() == 0 ? null : new Refusal((RefusalReason)reader.ReadInt32(), reader.ReadString());
                break;
            case RecordType.Deleting:
                IsDeleting = true;
                break;
            default:
                return true;
        }

        return reader.IsGood;
    }

    private static PieceBitmap Complement(PieceBitmap bits)
    {
        var complement = bits.Clone();
        complement.SetComplement();
        return complement;
    }

    private bool ReadNames(ref RecordReader reader)
    {
        for (var count = reader.ReadInt32(); count > 0 && !reader.HasFailed; count--)
        {
            var index = reader.ReadInt32();
            var parts = reader.ReadStrings();
            if ((uint)index >= (uint)manifest.Files.Count)
            {
                return false;
            }

            _names[index] = parts;
        }

        return reader.IsGood;
    }

    private bool ReadFile(ref RecordReader reader)
    {
        var index = reader.ReadInt32();
        var record = ReadRecord(ref reader);
        if (!reader.IsGood || (uint)index >= (uint)manifest.Files.Count)
        {
            return false;
        }

        Publishing.Remove(index);
        if (record.Kind == OwnKind.None)
        {
            Files.Remove(index);
        }
        else
        {
            Files[index] = record;
        }

        return true;
    }

    private static FileRecord ReadRecord(ref RecordReader reader) =>
        new((OwnKind)reader.ReadByte(), reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadInt64(), reader.ReadInt64());

    private static TorrentParameters ReadParameters(ref RecordReader reader) => new()
    {
        Category = reader.ReadString(),
        Tags = reader.ReadStrings(),
        AddedAt = ReadTime(ref reader),
        CompletedAt = ReadTime(ref reader),
    };

    private static DateTimeOffset? ReadTime(ref RecordReader reader)
    {
        var milliseconds = reader.ReadInt64();
        return milliseconds is > 0 and < 253_402_300_800_000 ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : null;
    }
}
