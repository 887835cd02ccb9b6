using QbSync.Engine.Shared;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Streaming;

/// <summary>
/// A torrent as the pump sees it: its piece table, where its bytes lie, and whether it may send. The loop sets what it says of the torrent; workers and
/// link read it and raise edges. Thread-safe.
/// </summary>
internal sealed class PieceStream(InfoHash id, PieceLayout layout, ContentLocation location)
{
    private static readonly Backoff Pauses = new(TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5));
    private static readonly TimeSpan AbsenceTells = TimeSpan.FromMinutes(1);

    /// <summary>Pieces are tried again more often than that: one that is not found no more was found.</summary>
    private static readonly TimeSpan AbsenceEnds = TimeSpan.FromMinutes(2);
    private readonly Lock _gate = new();
    private int _edges;
    private int _pauses;
    private TimeSpan _pausedUntil;
    private int _malformed;
    private TimeSpan _malformedSince;
    private (int File, TimeSpan Since, TimeSpan Last)? _absent;
    private volatile StreamGrant? _grant;
    private volatile PieceLayout _layout = layout;
    private volatile ContentLocation _location = location;
    private volatile bool _isFrozen;
    private volatile bool _isLive;
    private volatile bool _isClosed;

    public InfoHash Id { get; } = id;

    public PieceTable Table { get; } = new(layout);

    /// <summary>Whether others went before it for too long. The scheduler's.</summary>
    public Neglect Neglect { get; } = new();

    /// <summary>The right to send; null when there is none.</summary>
    public StreamGrant? Grant => _grant is { IsVoid: false } grant ? grant : null;

    public PieceLayout Layout { get => _layout; set => _layout = value; }

    public ContentLocation Location { get => _location; set => _location = value; }

    /// <summary>Whether nothing may be read for the state of the client.</summary>
    public bool IsFrozen { get => _isFrozen; set => _isFrozen = value; }

    /// <summary>Whether the source is still downloading it.</summary>
    public bool IsLive { get => _isLive; set => _isLive = value; }

    /// <summary>How often the destination had lost held bits when its bitmaps came; null while that is not known. The loop's.</summary>
    public ulong? KnownLosses { get; set; }

    /// <summary>Whether the bitmaps have to be asked for. The loop's.</summary>
    public bool NeedsBitmaps { get; set; }

    /// <summary>The bitmaps are asked for once more when no attempt up to this one is in flight. The loop's.</summary>
    public long? HealAfter { get; set; }

    /// <summary>Gives the right to send. An older one is void from here on.</summary>
    public void Give(StreamGrant grant)
    {
        _grant?.Void();
        lock (_gate)
        {
            _pauses = 0;
            _pausedUntil = TimeSpan.Zero;
        }

        _grant = grant;
    }

    public void VoidGrant() => _grant?.Void();

    /// <summary>Whether it is given up: who still reads for it leaves no file open behind.</summary>
    public bool IsClosed => _isClosed;

    /// <summary>Gives it up for good.</summary>
    public void Close()
    {
        _isClosed = true;
        VoidGrant();
    }

    /// <summary>Whether the destination asked to spare this torrent for a while.</summary>
    public bool IsPaused(TimeSpan now)
    {
        lock (_gate)
        {
            return now < _pausedUntil;
        }
    }

    /// <summary>Spares the whole torrent; nacks that come while it is spared count once.</summary>
    public void Pause(TimeSpan now, TimeSpan atLeast)
    {
        lock (_gate)
        {
            if (now >= _pausedUntil)
            {
                _pauses++;
                var pause = Pauses.After(_pauses);
                _pausedUntil = now + (pause > atLeast ? pause : atLeast);
            }
        }
    }

    public void EndPauses(TimeSpan now)
    {
        lock (_gate)
        {
            _pauses = now >= _pausedUntil ? 0 : _pauses;
        }
    }

    /// <summary>Whether this is the third malformed piece in 10 minutes.</summary>
    public bool CountMalformed(TimeSpan now)
    {
        lock (_gate)
        {
            if (_malformed == 0 || now - _malformedSince > TimeSpan.FromMinutes(10))
            {
                _malformed = 0;
                _malformedSince = now;
            }

            return ++_malformed >= 3;
        }
    }

    /// <summary>A piece could not be read for want of a file.</summary>
    public void NoteAbsent(int file, TimeSpan now)
    {
        lock (_gate)
        {
            _absent = _absent is { } known && now - known.Last <= AbsenceEnds ? known with { Last = now } : (file, now, now);
        }
    }

    /// <summary>A file for want of which nothing of it could be read for a minute; null when there is none. The client may be a little ahead of its disk.</summary>
    public int? FindAbsent(TimeSpan now)
    {
        lock (_gate)
        {
            return _absent is { } known && now - known.Last <= AbsenceEnds && now - known.Since >= AbsenceTells ? known.File : null;
        }
    }

    /// <summary>Notes something for the loop; true when it was not noted already.</summary>
    public bool Raise(SyncEdges edge) => ((SyncEdges)Interlocked.Or(ref _edges, (int)edge) & edge) != edge;

    /// <summary>What was noted since the last time.</summary>
    public SyncEdges TakeEdges() => (SyncEdges)Interlocked.Exchange(ref _edges, 0);
}
