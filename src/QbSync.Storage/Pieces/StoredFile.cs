using System.Globalization;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

/// <summary>A selected file of a torrent on its way from a hidden partial file to its final name. Thread-safe.</summary>
internal sealed class StoredFile : CachedFile
{
    private const long MinPreallocated = 1 << 20;
    private const int PrefixDigits = 16;
    private readonly TorrentStorage _owner;
    private readonly StorageContext _context;
    private volatile FileRecord? _record;
    private volatile LocalContent? _local;
    private volatile bool _isParked;

    public StoredFile(TorrentStorage owner, StorageContext context, int index, FileRecord? record)
        : base(context.Handles, context.Files)
    {
        _owner = owner;
        _context = context;
        Index = index;
        Length = owner.Request.Manifest.Files[index].Length;
        _record = record;
        IsAllocated = record is not null;
        IsSparse = record is { Kind: OwnKind.Partial } && (!owner.Preallocates || Length < MinPreallocated);
    }

    /// <summary>Place in the manifest's list.</summary>
    public int Index { get; }

    /// <summary>Bytes that it has in the end.</summary>
    public long Length { get; }

    /// <summary>What stands for it on disk; null for nothing of ours.</summary>
    public FileRecord? Record
    {
        get => _record;
        set => _record = value;
    }

    /// <summary>What it is.</summary>
    public OwnKind Kind => _record?.Kind ?? OwnKind.None;

    /// <summary>Local content that is not decided yet; null when there is none. Changed under the lock of the torrent.</summary>
    public LocalContent? Local
    {
        get => _local;
        set => _local = value;
    }

    /// <summary>Whether slices of incoming pieces are kept aside until local content is decided. Changed under the lock of the torrent.</summary>
    public bool IsParked
    {
        get => _isParked;
        set => _isParked = value;
    }

    /// <summary>Whether its blocks come with its bytes. Guarded by the torrent.</summary>
    public bool IsSparse { get; set; }

    /// <summary>Bytes that a sparse file still has to take. Guarded by the torrent.</summary>
    public long Unwritten { get; set; }

    /// <summary>Whether it is counted as needing no room, because local content may bring it.</summary>
    public bool IsExpected { get; set; }

    /// <summary>Where slices of incoming pieces go. What parks a file is taken away last, so that no slice meets a state in between.</summary>
    public FileRoute Route => _isParked ? FileRoute.Park : Kind is OwnKind.None or OwnKind.Partial ? FileRoute.Write : FileRoute.Compare;

    /// <summary>Whether its blocks are reserved, or come with its bytes. Guarded by the torrent.</summary>
    public bool IsAllocated { get; set; }

    /// <summary>Hidden name of the partial file, made of the torrent's id and the file's index, so that it collides with nothing.</summary>
    public string PartialName => GetPartialName(_owner.Request.Manifest.Id, Index);

    /// <summary>Hidden name of a partial file.</summary>
    public static string GetPartialName(Torrents.InfoHash id, int index) =>
        string.Create(CultureInfo.InvariantCulture, $"{GetPartialPrefix(id)}{index}{SafePath.PartialSuffix}");

    /// <summary>How the hidden names of a torrent begin.</summary>
    public static string GetPartialPrefix(Torrents.InfoHash id) => $".{id.ToString().AsSpan(0, PrefixDigits)}-";

    /// <summary>How the hidden names of the torrent begin that a file is of; null when it has no hidden name by our rule.</summary>
    public static string? TryGetPrefix(string name)
    {
        var end = PrefixDigits + 2;
        return name.Length > end && name.EndsWith(SafePath.PartialSuffix, StringComparison.Ordinal) && name[0] == '.' && name[end - 1] == '-'
            && !name.AsSpan(1, PrefixDigits).ContainsAnyExcept("0123456789abcdef")
            && int.TryParse(name.AsSpan()[end..^SafePath.PartialSuffix.Length], NumberStyles.None, CultureInfo.InvariantCulture, out _)
            ? name[..end]
            : null;
    }

    /// <summary>Another file, whole in length, stands under the hidden name by our doing.</summary>
    public void Replace(FileRecord record)
    {
        _record = record;
        IsAllocated = true;
        Abandon();
    }

    /// <inheritdoc />
    protected override FileHandle Open()
    {
        using var folder = _owner.EnsureFolderOf(this);

        // Looked at before the name is: another thread may make the file and its record in between, or find that it is lost.
        var generation = Generation;
        var wasMade = _record is not null;
        var handle = Files.OpenFile(folder, PartialName, writable: true);
        if (handle is null)
        {
            if (wasMade)
            {
                throw Lost(generation);
            }

            handle = Files.CreateFile(folder, PartialName) ?? Files.OpenFile(folder, PartialName, writable: true)
                ?? throw new StorageException(StorageFault.Io, $"The partial file '{PartialName}' comes and goes.");
        }

        try
        {
            Check(handle, generation);
            Allocate(handle, generation);
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    protected override void OnSyncFailed(StorageException failure)
    {
        _context.NoteSyncFailed(failure);
        _owner.LoseUnflushed(this, failure);
    }

    private void Check(FileHandle handle, int generation)
    {
        var stat = Files.Stat(handle);
        if (stat.Links != 1)
        {
            _owner.NoteLinked(this, stat);
            throw new StorageException(StorageFault.PathConflict, $"The partial file '{PartialName}' has another name too, so it is not written to.");
        }

        if (!_owner.TakeCreated(this, stat, generation))
        {
            throw Lost(generation);
        }
    }

    /// <summary>Two threads may do this at once and a full disk may stop it half-way; it is the same work each time and loses no byte.</summary>
    private void Allocate(FileHandle handle, int generation)
    {
        if (_owner.IsAllocated(this))
        {
            return;
        }

        var isSparse = !_owner.Preallocates || Length < MinPreallocated || !Files.TryAllocate(handle, Length);
        if (isSparse)
        {
            Files.SetLength(handle, Length);
        }

        _owner.NoteAllocated(this, isSparse, generation);
    }

    private StorageException Lost(int generation)
    {
        _owner.LoseFile(this, generation);
        return new StorageException(StorageFault.Io, $"The partial file '{PartialName}' vanished or was replaced.");
    }
}
