using System.Buffers.Binary;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Testing.FileSystems;
using QbSync.Testing.Torrents;

namespace QbSync.Storage.Tests.Crashes;

/// <summary>Says what is wrong with a disk, reading the disk and nothing of the store but what it promises to its callers.</summary>
internal sealed class CrashOracle
{
    private static readonly string[] Strangers = [$"{CrashMachine.Data}/stranger", $"{CrashMachine.Data}/t/stranger", $"{CrashMachine.Data}/sub/.1234-0.qbsync-part"];
    private readonly Dictionary<string, FileStat> _strangers = [];

    /// <summary>Puts files of somebody else among ours.</summary>
    public void AddStrangers(SimFileSystem files)
    {
        foreach (var path in Strangers)
        {
            files.PutFile(path, "not ours"u8);
            _strangers[path] = files.StatPath(path)!.Value;
        }
    }

    /// <summary>After a recovery: every final name, and every bit that is said to be held, has the right bytes, and what is not ours is as it was.</summary>
    public void CheckRecovered(CrashMachine machine, IReadOnlyList<BuiltTorrent> torrents)
    {
        CheckStrangers(machine.Files);
        for (var index = 0; index < torrents.Count; index++)
        {
            var storage = machine.Open[index];
            CheckFinals(machine.Files, storage?.Request ?? machine.Requests[index], torrents[index], mustExist: storage?.Phase.IsComplete() == true);
            if (storage is not null)
            {
                CheckHeld(machine.Files, storage, torrents[index]);
            }
        }
    }

    /// <summary>After the sync went on to its end.</summary>
    public void CheckFinished(CrashMachine machine, IReadOnlyList<BuiltTorrent> torrents)
    {
        CheckStrangers(machine.Files);
        for (var index = 0; index < torrents.Count; index++)
        {
            CheckFinals(machine.Files, machine.Open[index]!.Request, torrents[index], mustExist: true);
        }

        Assert.That(machine.Files.ListAll(CrashMachine.Data).Where(static path => path.EndsWith(".qbsync-part", StringComparison.Ordinal)).Except(Strangers), Is.Empty, "partial files are left");
    }

    private void CheckStrangers(SimFileSystem files)
    {
        foreach (var (path, stat) in _strangers)
        {
            Assert.That(files.StatPath(path), Is.EqualTo(stat), $"I6: {path} is not ours");
        }
    }

    private static void CheckFinals(SimFileSystem files, StoreRequest request, BuiltTorrent torrent, bool mustExist)
    {
        foreach (var file in torrent.Manifest.Files)
        {
            if (files.ReadFile(FinalPath(request, file.Index)) is { } found)
            {
                Assert.That(found.AsSpan().SequenceEqual(torrent.ReadFile(file.Index)), Is.True, $"I3: {FinalPath(request, file.Index)} has other bytes");
            }
            else if (mustExist && request.Selection.IsSelected(file.Index))
            {
                Assert.Fail($"I4: {FinalPath(request, file.Index)} of a complete torrent is missing");
            }
        }
    }

    private static void CheckHeld(SimFileSystem files, ITorrentStorage storage, BuiltTorrent torrent)
    {
        var have = storage.CopyHave();
        var segments = new List<PieceSegment>();
        var cache = new Dictionary<int, byte[]?>();
        for (var piece = 0; piece < torrent.Manifest.PieceCount; piece++)
        {
            if (!have[piece])
            {
                continue;
            }

            storage.Layout.GetSegments(piece, segments);
            foreach (var segment in segments)
            {
                if (!cache.TryGetValue(segment.FileIndex, out var content))
                {
                    var request = storage.Request;
                    content = request.Selection.IsSelected(segment.FileIndex)
                        ? files.ReadFile(FinalPath(request, segment.FileIndex)) ?? files.ReadFile(PartialPath(request, torrent, segment.FileIndex))
                        : null;
                    cache[segment.FileIndex] = content;
                }

                var wanted = torrent.ReadPiece(piece).AsSpan(segment.PieceOffset, segment.Length);
                var inFile = content is not null && content.Length >= segment.FileOffset + segment.Length
                    && content.AsSpan((int)segment.FileOffset, segment.Length).SequenceEqual(wanted);
                Assert.That(
                    inFile || IsInSlot(files, torrent, piece, segment, wanted), Is.True,
                    $"I4: piece {piece} is held, but its bytes of file {segment.FileIndex} are not there");
            }
        }
    }

    /// <summary>Libtorrent's part file, read by its rules.</summary>
    private static bool IsInSlot(SimFileSystem files, BuiltTorrent torrent, int piece, PieceSegment segment, ReadOnlySpan<byte> wanted)
    {
        if (files.ReadFile($"{CrashMachine.State}/torrents/{torrent.Id}/boundary.parts") is not { } parts)
        {
            return false;
        }

        var header = (((2L + torrent.Manifest.PieceCount) * 4) + 1023) / 1024 * 1024;
        var slot = BinaryPrimitives.ReadUInt32BigEndian(parts.AsSpan((2 + piece) * 4));
        var offset = header + ((long)slot * torrent.Manifest.PieceLength) + segment.PieceOffset;
        return slot != uint.MaxValue && offset + segment.Length <= parts.Length && parts.AsSpan((int)offset, segment.Length).SequenceEqual(wanted);
    }

    private static string FinalPath(StoreRequest request, int file) => string.Join('/', [CrashMachine.Data, .. request.Place.SubPath, .. request.FileNames[file]]);

    private static string PartialPath(StoreRequest request, BuiltTorrent torrent, int file) => string.Join(
        '/', [CrashMachine.Data, .. request.Place.SubPath, .. request.FileNames[file].SkipLast(1), Storage.Pieces.StoredFile.GetPartialName(torrent.Id, file)]);
}
