using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Storage.State;

/// <summary>
/// What a session's journal says: changed by records and by nothing else, the same way when they are committed and when they are replayed.
/// Not thread-safe; owned by <see cref="SessionJournal"/>.
/// </summary>
internal sealed partial class SessionState(TorrentManifest manifest)
{
    private readonly Dictionary<int, IReadOnlyList<string>> _names = [];
    private readonly Dictionary<int, IReadOnlyList<string>> _movingNames = [];
    private FileIdentity?[]? _identities;

    public TorrentManifest Manifest => manifest;

    public Guid Source { get; private set; }

    /// <summary>Who that source is.</summary>
    public string Peer { get; private set; } = "local";

    public ulong Epoch { get; private set; } = 1;

    public TorrentParameters Parameters { get; private set; } = new();

    public Selection? Selection { get; private set; }

    public Place? Place { get; private set; }

    public StoredPhase Phase { get; private set; }

    public Refusal? Failure { get; private set; }

    public bool IsDeleting { get; private set; }

    /// <summary>Whether partial files stay when it is removed.</summary>
    public bool KeepsFiles { get; private set; }

    /// <summary>Pieces whose bytes are durable.</summary>
    public PieceBitmap Held { get; } = new(manifest.PieceCount);

    /// <summary>Pieces read back from disk and hashed.</summary>
    public PieceBitmap Verified { get; } = new(manifest.PieceCount);

    /// <summary>What stands for each file.</summary>
    public Dictionary<int, FileRecord> Files { get; } = [];

    /// <summary>Files whose final name may or may not be there.</summary>
    public HashSet<int> Publishing { get; } = [];

    /// <summary>Files of which a hidden link may or may not be there.</summary>
    public Dictionary<int, FileRecord> Linking { get; } = [];

    /// <summary>Files that may or may not have their hidden name back.</summary>
    public HashSet<int> Unpublishing { get; } = [];

    /// <summary>When all of a file was last read back and found right.</summary>
    public Dictionary<int, DateTimeOffset> ReadBack { get; } = [];

    /// <summary>Where the files are being moved to; null when they are where <see cref="Place"/> says.</summary>
    public MoveTarget? Moving { get; private set; }

    /// <summary>What the source's file system says, per file; empty when nothing is known.</summary>
    public IReadOnlyList<FileIdentity?> Identities => _identities ?? [];

    /// <summary>Digest of the source's file table; empty for none.</summary>
    public ReadOnlyMemory<byte> FilesDigest { get; private set; }

    /// <summary>Whether the client's entry was added by us.</summary>
    public bool AddedByUs { get; private set; }

    /// <summary>Running time without contact to the source.</summary>
    public TimeSpan Uncontacted { get; private set; }

    /// <summary>Files whose content was being hashed.</summary>
    public HashSet<int> Unsettled { get; } = [];

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
            case RecordType.Peer:
                Peer = reader.ReadString();
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
                return ReadNames(ref reader, _names);
            case RecordType.FolderCreated:
                Folders.Add(reader.ReadStrings());
                break;
            case RecordType.FileState or RecordType.Published:
                return ReadFile(ref reader);
            case RecordType.Publishing:
                Publishing.Add(reader.ReadInt32());
                break;
            case RecordType.Unpublishing:
                Unpublishing.Add(reader.ReadInt32());
                break;
            case RecordType.Linking:
                Linking[reader.ReadInt32()] = reader.ReadRecord();
                break;
            case RecordType.ReadBack:
                var fileIndex = reader.ReadInt32();
                ReadBack[fileIndex] = DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(reader.ReadInt64(), 0, 253_402_300_799_999));
                break;
            case RecordType.Moving:
                ReadMoving(ref reader);
                break;
            case RecordType.MovingNames:
                return ReadNames(ref reader, _movingNames);
            case RecordType.Moved:
                EndMove(arrived: reader.ReadByte() != 0);
                break;
            case RecordType.Identities:
                return ReadIdentities(ref reader);
            case RecordType.FilesDigest:
                FilesDigest = reader.ReadBytes().ToArray();
                break;
            case RecordType.AddedByUs:
                AddedByUs = reader.ReadByte() != 0;
                break;
            case RecordType.Contact:
                Uncontacted = TimeSpan.FromMilliseconds(Math.Max(0, reader.ReadInt64()));
                break;
            case RecordType.Unsettled:
                Unsettled.Add(reader.ReadInt32());
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
                Exported = (reader.ReadString(), reader.ReadRecord());
                break;
            case RecordType.Phase:
                Phase = (StoredPhase)reader.ReadByte();
                if (Phase > StoredPhase.Finalizing)
                {
                    return false;
                }

                Failure = reader.ReadByte() == 0 ? null : new Refusal((RefusalReason)reader.ReadInt32(), reader.ReadString());
                break;
            case RecordType.Deleting:
                IsDeleting = true;
                KeepsFiles = payload is [not 0, ..];
                return true;
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
}
