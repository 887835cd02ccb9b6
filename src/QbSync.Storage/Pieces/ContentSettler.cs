using System.Buffers;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

/// <summary>
/// One run over local content: hashes the pieces of candidates from disk, each byte once, and keeps what it found until that is committed. What it opens is
/// flushed first, because bits will say that the bytes are durable. Not thread-safe; who began the run disposes it.
/// </summary>
internal sealed class ContentSettler : IDisposable
{
    private readonly TorrentStorage _owner;
    private readonly StorageContext _context;
    private readonly StoreRequest _request;
    private readonly PieceLayout _layout;
    private readonly IProgress<long>? _progress;
    private readonly ContentReader _reader;
    private readonly PieceScratch _scratch;
    private readonly PieceBitmap _looked;
    private readonly List<PieceSegment> _segments = [];
    private readonly Dictionary<int, bool> _opened = [];
    private readonly HashSet<int> _begun = [];
    private long _checkpointBytes;
    private long _checkpointTime;

    public ContentSettler(TorrentStorage owner, StorageContext context, StoreRequest request, PieceLayout layout, IProgress<long>? progress)
    {
        _owner = owner;
        _context = context;
        _request = request;
        _layout = layout;
        _progress = progress;
        _reader = new ContentReader(context.Files, Open, owner.FindSlot, owner.OpenBoundary);
        _scratch = context.Scratch.Rent();
        _looked = new PieceBitmap(request.Manifest.PieceCount);
        Good = new PieceBitmap(_looked.Length);
        Found = new PieceBitmap(_looked.Length);
        Checked = new PieceBitmap(_looked.Length);
        Dropped = new PieceBitmap(_looked.Length);
        Changed = new PieceBitmap(_looked.Length);
        _checkpointTime = context.Time.GetTimestamp();
    }

    /// <summary>Pieces found and not yet committed.</summary>
    public PieceBitmap Good { get; }

    /// <summary>Pieces found in this run.</summary>
    public PieceBitmap Found { get; }

    /// <summary>Pieces hashed with the candidates as part of them, found or held.</summary>
    public PieceBitmap Checked { get; }

    /// <summary>Pieces that local content does not bring, not yet committed.</summary>
    public PieceBitmap Dropped { get; }

    /// <summary>Pieces that were lost, or came in doubt, during this run. Guarded by the torrent.</summary>
    public PieceBitmap Changed { get; }

    /// <summary>Whether the last piece that was bad says for sure that the candidate is not the file.</summary>
    public bool IsCertain { get; private set; }

    /// <summary>Whether bytes of unselected files were kept since the last commit.</summary>
    public bool HasKeptSlices { get; private set; }

    /// <summary>Whether there is something to commit.</summary>
    public bool HasNews => Good.Count > 0 || Dropped.Count > 0;

    /// <summary>Whether the file is still what was found by name, flushed.</summary>
    public bool TryOpen(int fileIndex)
    {
        if (_opened.TryGetValue(fileIndex, out var isThere))
        {
            return isThere;
        }

        if (_owner.FindFile(fileIndex) is { Record: not null })
        {
            _begun.Add(fileIndex);
        }

        using var file = OpenByName(fileIndex);
        if (file is not null)
        {
            _context.Files.Sync(file);
        }

        _opened[fileIndex] = file is not null;
        return file is not null;
    }

    /// <summary>Whether pieces of the file were found in an earlier run.</summary>
    public bool WasBegun(int fileIndex) => _begun.Contains(fileIndex);

    /// <summary>Hashes a piece of a candidate if all its bytes are here. Bad: it is not right; everything else: it is, or it says nothing.</summary>
    public PieceVerdict Look(int piece, int fileIndex)
    {
        IsCertain = false;
        if (_looked[piece])
        {
            return PieceVerdict.Good;
        }

        var (isHeld, isDeferred) = _owner.GetPieceState(piece);
        if (isHeld)
        {
            IsCertain = true;
            return Found[piece] || Checked[piece] || !IsShared(piece) || _owner.FindFile(fileIndex)?.Local?.Record.Kind == OwnKind.Partial
                ? PieceVerdict.Good
                : LookAtHeld(piece, fileIndex);
        }

        _looked.Set(piece);
        _layout.GetSegments(piece, _scratch.Segments);
        if (!IsWholeHere(_scratch.Segments, isDeferred))
        {
            Dropped.Set(piece);
            return PieceVerdict.Good;
        }

        var verdict = _reader.Check(_request.Manifest.GetPieceHash(piece), piece, _scratch, static _ => true);
        _progress?.Report(_reader.BytesRead);
        if (verdict == PieceVerdict.Good)
        {
            KeepUnselected(piece);
            Good.Set(piece);
            Found.Set(piece);
            Checked.Set(piece);
            return verdict;
        }

        IsCertain = !IsShared(piece);
        if (!IsCertain || _owner.FindFile(fileIndex)?.Local?.Record.Kind == OwnKind.Partial)
        {
            Dropped.Set(piece); // it comes over the wire; its slices show which of the files is wrong
        }

        return PieceVerdict.Bad;
    }

    /// <summary>Hashes a held piece with the candidate's bytes in place of those that were kept aside.</summary>
    public PieceVerdict LookAtHeld(int piece, int fileIndex)
    {
        _layout.GetSegments(piece, _scratch.Segments);
        var hash = _request.Manifest.GetPieceHash(piece);

        // Slices of other candidates may have been kept aside, or were found in those themselves before a restart.
        var verdict = _reader.Check(hash, piece, _scratch, index => index == fileIndex || ReadsFile(index));
        verdict = verdict == PieceVerdict.Good ? verdict : _reader.Check(hash, piece, _scratch, IsHere);
        if (verdict == PieceVerdict.Good)
        {
            Checked.Set(piece);
        }

        return verdict;
    }

    /// <summary>Whether the piece has bytes of more than one file.</summary>
    public bool IsShared(int piece)
    {
        _layout.GetSegments(piece, _segments);
        var files = 0;
        foreach (var segment in _segments)
        {
            files += segment.IsPad ? 0 : 1;
        }

        return files > 1;
    }

    /// <summary>Whether so much was read, or so much time has passed, that what was found should be made durable.</summary>
    public bool IsDue(long bytes, TimeSpan interval) =>
        HasNews && (_reader.BytesRead - _checkpointBytes >= bytes || _context.Time.GetElapsedTime(_checkpointTime) >= interval);

    /// <summary>What was found is committed.</summary>
    public void Taken()
    {
        Good.Except(Good);
        Dropped.Except(Dropped);
        HasKeptSlices = false;
        _checkpointBytes = _reader.BytesRead;
        _checkpointTime = _context.Time.GetTimestamp();
    }

    /// <summary>The file is not the torrent's: nothing that was found with it counts.</summary>
    public void Forget(int fileIndex)
    {
        var (first, count) = _layout.GetPieces(_request.Manifest.Files[fileIndex]);
        for (var piece = first; piece < first + count; piece++)
        {
            Good.Clear(piece);
            Found.Clear(piece);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _reader.Dispose();
        _context.Scratch.Return(_scratch);
    }

    private bool ReadsFile(int fileIndex) => _owner.FindFile(fileIndex) is { Route: not FileRoute.Park };

    private bool IsHere(int fileIndex) => _owner.FindFile(fileIndex) is { } file && (file.Local is { Kind: LocalKind.Candidate } || file.Route != FileRoute.Park);

    /// <summary>Whether every byte can be read and nobody writes to one meanwhile.</summary>
    private bool IsWholeHere(List<PieceSegment> segments, bool isDeferred)
    {
        foreach (var segment in segments)
        {
            if (segment.IsPad)
            {
                continue;
            }

            var file = _owner.FindFile(segment.FileIndex);
            var isOnlyRead = file is { Local: null, Route: FileRoute.Compare } or { Local: { Kind: LocalKind.Candidate, Record.Kind: not OwnKind.Partial } };
            var isQuiet = isDeferred && file is null or { Local.Kind: LocalKind.Candidate };
            if (!isOnlyRead && !isQuiet)
            {
                return false;
            }

            if (file is null or { Local: not null } && !TryOpen(segment.FileIndex))
            {
                return false;
            }
        }

        return true;
    }

    private FileHandle? Open(int fileIndex) => _owner.FindFile(fileIndex) is { Local: null } ? _owner.OpenDecided(fileIndex) : OpenByName(fileIndex);

    /// <summary>Opens a candidate if it still is what was found, or an unselected file of the right length.</summary>
    private FileHandle? OpenByName(int fileIndex)
    {
        var local = _owner.FindFile(fileIndex)?.Local;
        var name = local?.Name ?? _request.FileNames[fileIndex].LastOrDefault("");
        using var folder = name.Length == 0 ? null : OpenFolder(fileIndex, isSelected: local is not null);
        if (folder is null || _context.Files.Stat(folder, name) is not { Kind: FileKind.File })
        {
            return null;
        }

        var file = _context.Files.OpenFile(folder, name, writable: false);
        if (file is not null && _context.Files.Stat(file) is var stat && stat.Length == _request.Manifest.Files[fileIndex].Length
            && (local is null || local.Record.Inode == stat.Inode))
        {
            return file;
        }

        file?.Dispose();
        return null;
    }

    private FileHandle? OpenFolder(int fileIndex, bool isSelected)
    {
        try
        {
            return _context.Root.OpenFolder([.. _request.Place.SubPath, .. _request.FileNames[fileIndex].SkipLast(1)]);
        }
        catch (StorageException exception) when (exception.Fault == StorageFault.PathRefused && !isSelected)
        {
            return null; // nothing of an unselected file is ours, so a link on the way to it is nobody's trouble
        }
    }

    /// <summary>Bytes of unselected files are read from the boundary file later, so that is where they go.</summary>
    private void KeepUnselected(int piece)
    {
        foreach (var segment in _scratch.Segments)
        {
            if (segment.IsPad || _owner.FindFile(segment.FileIndex) is not null)
            {
                continue;
            }

            using var file = OpenByName(segment.FileIndex) ?? throw new StorageException(StorageFault.Io, "A file was removed while it was read.");
            var buffer = ArrayPool<byte>.Shared.Rent(segment.Length);
            try
            {
                var slice = buffer.AsSpan(0, segment.Length);
                _owner.KeepSlice(piece, segment.PieceOffset, slice[.._context.Files.Read(file, slice, segment.FileOffset)]);
                HasKeptSlices = true;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }
}
