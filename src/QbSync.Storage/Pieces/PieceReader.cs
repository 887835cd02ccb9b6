using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

/// <summary>
/// Reads pieces of content that a client owns and checks them. Opens for reading only, keeps a bounded number of files open, and allocates nothing per
/// piece once warm. Thread-safe; owned by who made it.
/// </summary>
public sealed partial class PieceReader : IPieceReader, IDisposable
{
    private const int MaxRemembered = 256;

    private readonly Lock _gate = new();
    private readonly ConditionalWeakTable<TorrentManifest, PieceLayout> _layouts = [];
    private readonly Stack<PieceReadScratch> _unused = [];
    private readonly Dictionary<PieceRef, PieceSources> _remembered = [];
    private readonly StorageMetrics _metrics;
    private readonly ContentResolver _resolver;
    private readonly FileHandleCache _files;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;

    /// <summary>Makes it for the source role.</summary>
    public PieceReader(StorageOptions options, IMetricFactory metrics, CollectorRegistry registry, ILoggerFactory loggers, TimeProvider time)
        : this(options.DataRoot, options.ReaderOpenFiles, new StorageMetrics(metrics, registry, StorageMetrics.Source, loggers), loggers, time)
    {
    }

    internal PieceReader(string? root, int openFiles, StorageMetrics metrics, ILoggerFactory loggers, TimeProvider time)
    {
        _metrics = metrics;
        _resolver = new ContentResolver(root);
        _files = new FileHandleCache(_resolver, openFiles, _metrics);
        _logger = loggers.CreateLogger<PieceReader>();
        _time = time;
        metrics.PublishOpenFiles(() => _files.Count);
    }

    /// <inheritdoc />
    public PieceReadStatus ReadVerified(ContentLocation location, int piece, Span<byte> destination)
    {
        var length = location.Manifest.GetPieceLength(piece);
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, length, nameof(destination));
        return ReadWhole(location, piece, length, destination[..length], CancellationToken.None);
    }

    /// <inheritdoc />
    public PieceReadStatus Verify(ContentLocation location, int piece, CancellationToken cancellationToken) =>
        ReadWhole(location, piece, location.Manifest.GetPieceLength(piece), [], cancellationToken);

    /// <inheritdoc />
    public PieceReadStatus Read(ContentLocation location, int piece, int offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + (long)destination.Length, location.Manifest.GetPieceLength(piece), nameof(destination));
        PieceSources sources;
        lock (_gate)
        {
            _remembered.TryGetValue(new PieceRef(location.Manifest.Id, piece), out sources);
        }

        var scratch = Rent();
        try
        {
            GetLayout(location.Manifest).GetSegments(piece, scratch.Segments);
            var status = ReadRange(location, piece, scratch, sources, offset, destination);
            if (status != PieceReadStatus.Read && DropStale(location, scratch, status))
            {
                status = ReadRange(location, piece, scratch, sources, offset, destination);
            }

            return Count(status);
        }
        finally
        {
            Return(scratch);
        }
    }

    /// <inheritdoc />
    public FileIdentity? Identify(ContentLocation location, int fileIndex) => _resolver.Find(location, fileIndex)?.Identity;

    /// <summary>What the file system says of the first part file that is there, or null.</summary>
    internal FileIdentity? IdentifyPartFile(ContentLocation location)
    {
        FileIdentity? found = null;
        for (var candidate = 0; found is null && candidate < ContentResolver.CountPartFiles(location); candidate++)
        {
            found = _resolver.Find(location, ContentResolver.PartFileIndex(candidate))?.Identity;
        }

        return found;
    }

    /// <inheritdoc />
    public void Forget(InfoHash torrent)
    {
        _files.Forget(torrent);
        lock (_gate)
        {
            foreach (var piece in _remembered.Keys.Where(piece => piece.Torrent == torrent).ToList())
            {
                _remembered.Remove(piece);
            }
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _files.Dispose();
        List<PieceReadScratch> unused;
        lock (_gate)
        {
            unused = [.. _unused];
            _unused.Clear();
        }

        unused.ForEach(static scratch => scratch.Dispose());
    }

    private PieceReadStatus ReadWhole(ContentLocation location, int piece, int length, Span<byte> destination, CancellationToken cancellationToken)
    {
        var scratch = Rent();
        try
        {
            GetLayout(location.Manifest).GetSegments(piece, scratch.Segments);
            scratch.ReadTicks = 0;
            var status = Try(location, piece, length, scratch, destination, cancellationToken);
            if (status != PieceReadStatus.Read && DropStale(location, scratch, status))
            {
                status = Try(location, piece, length, scratch, destination, cancellationToken);
            }

            if (status == PieceReadStatus.Read)
            {
                _metrics.PieceRead(_time.GetElapsedTime(0, scratch.ReadTicks));
            }

            return Count(status);
        }
        finally
        {
            Return(scratch);
        }
    }

    /// <summary>Reads and hashes in slices, each hashed while it is warm; into <paramref name="destination"/>, or nowhere when that is empty.</summary>
    private PieceReadStatus TrySources(
        ContentLocation location,
        int piece,
        int length,
        PieceReadScratch scratch,
        PieceSources sources,
        Span<byte> destination,
        CancellationToken cancellationToken)
    {
        scratch.Hasher.Begin(location.Manifest.GetPieceHash(piece));
        for (var offset = 0; offset < length; offset += PieceReadScratch.SliceLength)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var count = Math.Min(PieceReadScratch.SliceLength, length - offset);
            var slice = destination.IsEmpty ? scratch.Slice.AsSpan(0, count) : destination.Slice(offset, count);
            var start = _time.GetTimestamp();
            var status = ReadRange(location, piece, scratch, sources, offset, slice);
            scratch.ReadTicks += _time.GetTimestamp() - start;
            if (status != PieceReadStatus.Read)
            {
                return status;
            }

            scratch.Hasher.Append(slice);
        }

        return scratch.Hasher.Matches() ? PieceReadStatus.Read : PieceReadStatus.HashMismatch;
    }

    private PieceReadStatus Count(PieceReadStatus status)
    {
        if (status != PieceReadStatus.Read)
        {
            _metrics.PieceNotRead(status);
        }

        return status;
    }

    private PieceLayout GetLayout(TorrentManifest manifest) =>
        _layouts.GetValue(manifest, static manifest => new PieceLayout(manifest, Selection.All(manifest)));

    private PieceReadScratch Rent()
    {
        lock (_gate)
        {
            return _unused.TryPop(out var scratch) ? scratch : new PieceReadScratch(_files);
        }
    }

    private void Return(PieceReadScratch scratch)
    {
        scratch.LetGo();
        lock (_gate)
        {
            _unused.Push(scratch);
        }
    }
}
