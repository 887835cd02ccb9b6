using System.Collections.Frozen;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Storage.FolderClient;

/// <summary>
/// A torrent of the folder: what was asked for, which pieces are known to be right, which are due for a look. Owned by its client, used under its turn.
/// </summary>
internal sealed partial class FolderTorrent
{
    private readonly List<PieceSegment> _segments = [];
    private readonly PieceLayout _whole;
    private readonly long[] _heldBytes;
    private PieceLayout _layout;
    private int _nextDue;

    public FolderTorrent(TorrentManifest manifest, string path, FolderTorrentRecord record)
    {
        Manifest = manifest;
        TorrentPath = path;
        Id = new ClientTorrentId(manifest.Id.ToString());
        Record = record;
        Tags = record.Tags.ToFrozenSet(StringComparer.Ordinal);
        Have = new PieceBitmap(manifest.PieceCount);
        Due = new PieceBitmap(manifest.PieceCount);
        Looks = new FolderFileLook[manifest.Files.Count + 1];
        _heldBytes = new long[manifest.Files.Count];
        _whole = new PieceLayout(manifest, Selection.All(manifest));
        _layout = Lay(record.Unwanted);
        Location = Locate();
        HoldAll(ReadHave(manifest, record.Have));
    }

    public ClientTorrentId Id { get; }

    public TorrentManifest Manifest { get; }

    /// <summary>The <c>.torrent</c>; people may rename it.</summary>
    public string TorrentPath { get; set; }

    /// <summary>What was asked for. <see cref="FolderTorrentRecord.Have"/> in it is as old as the last save.</summary>
    public FolderTorrentRecord Record { get; private set; }

    public FrozenSet<string> Tags { get; private set; }

    public ContentLocation Location { get; private set; }

    public PieceLayout Layout => _layout;

    /// <summary>Pieces that hashed right.</summary>
    public PieceBitmap Have { get; }

    /// <summary>Pieces to hash.</summary>
    public PieceBitmap Due { get; }

    /// <summary>The last look at each file; behind them, at the part file.</summary>
    public FolderFileLook[] Looks { get; }

    /// <summary>When content last grew, by the monotonic clock; null when it did not since the start.</summary>
    public long? GrewAt { get; set; }

    /// <summary>Whether the record differs from what is saved, and whether by something that was asked for.</summary>
    public (bool Progress, bool Request) Unsaved { get; private set; }

    /// <summary>When it was last saved.</summary>
    public long SavedAt { get; private set; }

    public bool IsComplete => !Record.MissingFiles && !Layout.Selection.IsEmpty && Layout.IsComplete(Have);

    /// <summary>Whether growing content is followed.</summary>
    public bool IsFollowed => !Record.Stopped && !Record.MissingFiles && !Record.Checking && !IsComplete;

    public long GetHeldBytes(int fileIndex) => _heldBytes[fileIndex];

    /// <summary>Changes what is asked for.</summary>
    public void Change(FolderTorrentRecord record)
    {
        if (record == Record)
        {
            return;
        }

        var before = Record;
        Record = record;
        _status = null;
        Unsaved = (true, true);
        if (!ReferenceEquals(before.Tags, record.Tags))
        {
            Tags = record.Tags.ToFrozenSet(StringComparer.Ordinal);
        }

        if (!ReferenceEquals(before.Unwanted, record.Unwanted))
        {
            _layout = Lay(record.Unwanted);
            Array.Clear(Looks);
        }

        if (!ReferenceEquals(before.Renamed, record.Renamed) || before.SavePath != record.SavePath)
        {
            Location = Locate();
        }
    }

    /// <summary>The record to save, bits included.</summary>
    public FolderTorrentRecord GetRecordToSave() =>
        Record with { Have = Have.IsFull ? FolderTorrentRecord.Everything : Convert.ToBase64String(Have.ToBytes()) };

    /// <summary>Makes the next save write it, though nothing was asked for.</summary>
    public void RequireSave() => Unsaved = (true, true);

    public void SetSaved(long now)
    {
        Unsaved = default;
        SavedAt = now;
    }

    /// <summary>Next piece to hash, or -1; goes round so that a piece that never fits does not hide the others.</summary>
    public int TakeDue()
    {
        var piece = Due.NextSet(Math.Min(_nextDue, Due.Length));
        piece = piece < 0 ? Due.NextSet(0) : piece;
        if (piece >= 0)
        {
            Due.Clear(piece);
            _nextDue = piece + 1;
        }

        return piece;
    }

    /// <summary>The piece hashed right.</summary>
    public void Hold(int piece)
    {
        if (Have.Set(piece))
        {
            Count(piece, 1);
            Unsaved = Unsaved with { Progress = true };
        }
    }

    /// <summary>The piece is not, or no longer, right.</summary>
    public void Drop(int piece)
    {
        if (Have.Clear(piece))
        {
            Count(piece, -1);
            Unsaved = Unsaved with { Progress = true };
        }
    }

    public void DropAll()
    {
        for (var piece = Have.NextSet(0); piece >= 0; piece = Have.NextSet(piece))
        {
            Drop(piece);
        }
    }

    private void HoldAll(PieceBitmap pieces)
    {
        for (var piece = pieces.NextSet(0); piece >= 0; piece = pieces.NextSet(piece + 1))
        {
            Have.Set(piece);
            Count(piece, 1);
        }
    }

    private void Count(int piece, int sign)
    {
        _status = null;
        _whole.GetSegments(piece, _segments);
        foreach (var segment in _segments)
        {
            _heldBytes[segment.FileIndex] += sign * segment.Length;
        }
    }

    private PieceLayout Lay(IReadOnlyList<int> unwanted)
    {
        var none = unwanted.ToHashSet();
        return new PieceLayout(Manifest, Selection.Of(Manifest, file => !none.Contains(file.Index)));
    }

    private ContentLocation Locate()
    {
        var names = ContentPaths.Of(Manifest, Record.Layout).ToArray();
        foreach (var file in Manifest.Files)
        {
            names[file.Index] = !file.IsReal ? [] : Record.Renamed.TryGetValue(file.Index, out var name) ? name.Split('/') : names[file.Index];
        }

        List<string> partFiles = [];
        partFiles.AddRange(new[] { Manifest.V1, Manifest.V2.Truncated }.Where(static hash => hash != InfoHash.None).Select(static hash => $".{hash}.parts"));
        return new ContentLocation(Manifest, [Record.SavePath], names, partFiles);
    }

    private static PieceBitmap ReadHave(TorrentManifest manifest, string have)
    {
        var all = new PieceBitmap(manifest.PieceCount);
        if (have == FolderTorrentRecord.Everything)
        {
            all.SetAll();
            return all;
        }

        var bytes = new byte[PieceBitmap.GetByteCount(manifest.PieceCount)];
        return Convert.TryFromBase64String(have, bytes, out var length) && PieceBitmap.TryFromBytes(bytes.AsSpan(0, length), manifest.PieceCount, out var bits)
            ? bits
            : all;
    }
}
