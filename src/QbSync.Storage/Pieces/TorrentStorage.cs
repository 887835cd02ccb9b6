using Microsoft.Extensions.Logging;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

/// <summary>
/// One stored torrent. Pieces are hashed as their chunks land and written at once into hidden partial files; a piece's bit reaches the journal only after its bytes
/// reached the device. <c>_gate</c> guards what is in memory, with no I/O under it; <c>_turn</c> lets one durable operation at a time at the journal.
/// </summary>
internal sealed partial class TorrentStorage : ITorrentStorage
{
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _turn = new(1);
    private readonly StorageContext _context;
    private readonly SessionFolder _folder;
    private readonly SessionJournal _journal;
    private readonly ILogger _logger;
    private readonly Dictionary<int, StoredFile> _files = [];
    private readonly BoundaryFile _boundary;
    private readonly PieceBitmap _have;
    private readonly PieceBitmap _verified;
    private readonly int[] _missing;
    private readonly List<PieceSegment> _segments = [];
    private StoreRequest _request;
    private ulong _losses;
    private long _unallocated;
    private volatile bool _isClosed;
    private bool _isDisposed;

    /// <summary>Makes it from what its journal says.</summary>
    public TorrentStorage(StorageContext context, StoreRequest request, SessionFolder folder, SessionJournal journal, ILogger logger)
    {
        _context = context;
        _request = request;
        _folder = folder;
        _journal = journal;
        _logger = logger;
        Layout = new PieceLayout(request.Manifest, request.Selection);
        _have = journal.State.Held.Clone();
        _durable = journal.State.Held.Clone();
        _verified = journal.State.Verified.Clone();
        _dirty = new PieceBitmap(_have.Length);
        _pendingClears = new PieceBitmap(_have.Length);
        _pendingDoubts = new PieceBitmap(_have.Length);
        _deferred = new PieceBitmap(_have.Length);
        _missing = new int[request.Manifest.Files.Count];
        foreach (var file in request.Manifest.Files)
        {
            if (!request.Selection.IsSelected(file.Index))
            {
                continue;
            }

            var stored = new StoredFile(this, context, file.Index, journal.State.Files.GetValueOrDefault(file.Index));
            _files[file.Index] = stored;
            _missing[file.Index] = CountMissing(file);
            stored.Unwritten = stored.IsSparse ? Math.Min(file.Length, (long)_missing[file.Index] * request.Manifest.PieceLength) : 0;
            _unallocated += stored.Record is null ? file.Length : stored.Unwritten;
        }

        _boundary = new BoundaryFile(this, context, folder);
    }

    /// <inheritdoc />
    public event Action<int>? FileWhole;

    /// <summary>Told when so many bytes are dirty that they should not wait for the interval.</summary>
    public event Action<TorrentStorage>? FlushDue;

    /// <inheritdoc />
    public StoreRequest Request => _request;

    /// <inheritdoc />
    public PieceLayout Layout { get; }

    /// <inheritdoc />
    public StoredPhase Phase => _journal.State.Phase;

    /// <inheritdoc />
    public ulong Epoch => _journal.State.Epoch;

    /// <inheritdoc />
    public ulong Losses => Interlocked.Read(ref _losses);

    /// <inheritdoc />
    public Refusal? Failure => _journal.State.Failure;

    /// <inheritdoc />
    public int HeldPieces
    {
        get
        {
            lock (_gate)
            {
                return Layout.CountHeld(_have);
            }
        }
    }

    /// <summary>Whether blocks are reserved when a file is made.</summary>
    public bool Preallocates => _context.Options.Preallocate;

    /// <summary>Selected bytes for which no blocks are reserved yet.</summary>
    public long UnallocatedBytes => Interlocked.Read(ref _unallocated);

    /// <summary>Whether it is discarded or disposed.</summary>
    public bool IsClosed => _isClosed;

    /// <summary>Told when the torrent was discarded and its names are free.</summary>
    public Action<TorrentStorage>? Discarded { get; set; }

    /// <inheritdoc />
    public PieceBitmap CopyHave()
    {
        lock (_gate)
        {
            return _have.Clone();
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        await CloseAsync().ConfigureAwait(false);
        try
        {
            await RunInTurnAsync(FlushInTurnAsync, CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            AbandonFiles();
        }
    }

    /// <summary>Makes the folder of a file, noting what had to be made.</summary>
    public FileHandle EnsureFolderOf(StoredFile file)
    {
        var parts = GetFolderParts(file.Index);
        var created = new List<int>();
        var handle = _context.Root.EnsureFolder(parts, created);
        if (created.Count > 0)
        {
            lock (_gate)
            {
                _newFolders.AddRange(created.Select(count => (IReadOnlyList<string>)parts[..count]));
            }
        }

        return handle;
    }

    /// <summary>Opens the folder of a file; null when it is absent.</summary>
    private FileHandle? OpenFolderOf(int fileIndex) => _context.Root.OpenFolder(GetFolderParts(fileIndex));

    /// <summary>Folder of a file, in parts below the root.</summary>
    private string[] GetFolderParts(int fileIndex) => [.. _request.Place.SubPath, .. _request.FileNames[fileIndex].SkipLast(1)];

    /// <summary>Final name of a file in its folder.</summary>
    private string GetFinalName(int fileIndex) => _request.FileNames[fileIndex][^1];

    /// <summary>Final path of a file, for people.</summary>
    private string DescribeFile(int fileIndex) => _context.Root.Describe([.. _request.Place.SubPath, .. _request.FileNames[fileIndex]]);

    private int CountMissing(Torrents.TorrentFile file)
    {
        var (first, count) = Layout.GetPieces(file);
        var missing = 0;
        for (var piece = first; piece < first + count; piece++)
        {
            missing += _have[piece] ? 0 : 1;
        }

        return missing;
    }

    private void AbandonFiles()
    {
        foreach (var file in _files.Values)
        {
            file.Abandon();
        }

        _boundary.Abandon();
    }

    private Task CommitAsync(Action<RecordBatch> build, CancellationToken cancellationToken) => RunInTurnAsync(
        () =>
        {
            var batch = new RecordBatch();
            build(batch);
            _journal.Commit(batch, _request);
            return Task.FromResult(0);
        },
        cancellationToken);

    /// <summary>Runs one durable operation, off the caller's thread, when its turn comes.</summary>
    private async Task<T> RunInTurnAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(work, CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }
}
