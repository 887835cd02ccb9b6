using System.Diagnostics;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace OnlyStorage;

/// <summary>One torrent to copy: from the content of one folder into another.</summary>
internal sealed record CopyJob(string Torrent, string Content, string Folder, int CrashAfter)
{
    public string Data => Directory.CreateDirectory(Path.Combine(Folder, "data")).FullName;

    public string State => Path.Combine(Folder, "state");

    public async Task<int> RunAsync(ITorrentStore store, IPieceReader reader)
    {
        var torrent = await File.ReadAllBytesAsync(Torrent);
        var manifest = TorrentManifest.Parse(torrent);
        var storage = (await store.RecoverAsync(default)).FirstOrDefault(known => known.Request.Manifest.Id == manifest.Id)
            ?? await OpenAsync(store, manifest, torrent);
        if (storage is null)
        {
            return 1;
        }

        // What lies there already is hashed and taken over.
        await storage.SettleAsync(bytesRead: null, default);
        Console.WriteLine($"{manifest.Name}: {storage.HeldPieces} of {manifest.PieceCount} pieces are here.");
        await CopyPiecesAsync(storage, reader);
        return await FinishAsync(storage) ? 0 : 1;
    }

    private static async Task<ITorrentStorage?> OpenAsync(ITorrentStore store, TorrentManifest manifest, byte[] torrent)
    {
        var outcome = await store.OpenAsync(
            new StoreRequest
            {
                Source = Guid.Empty,
                Manifest = manifest,
                Torrent = torrent,
                Selection = Selection.All(manifest),
                Place = new Place("", [], ContentLayout.Original),
                Parameters = new TorrentParameters(),
                FileNames = NamesOf(manifest),
            },
            default);
        if (outcome.Refusal is { } refusal)
        {
            Console.Error.WriteLine($"Refused: {refusal.Reason} {refusal.Detail} {refusal.Path}");
        }

        return outcome.Storage;
    }

    private async Task CopyPiecesAsync(ITorrentStorage storage, IPieceReader reader)
    {
        var manifest = storage.Request.Manifest;
        var location = new ContentLocation(manifest, [Path.GetFullPath(Content)], NamesOf(manifest), []);
        var bytes = new byte[manifest.PieceLength];
        var segments = new List<PieceSegment>();
        var have = storage.CopyHave();
        var written = 0;
        for (var piece = 0; piece < manifest.PieceCount; piece++)
        {
            if (have[piece] || reader.ReadVerified(location, piece, bytes) != PieceReadStatus.Read)
            {
                continue;
            }

            if (storage.Begin(piece, out var transfer) != PieceAckStatus.Pending || transfer is null)
            {
                continue;
            }

            using (transfer)
            {
                storage.Layout.GetSegments(piece, segments);
                foreach (var segment in segments.Where(segment => !segment.IsPad))
                {
                    transfer.Write(segment.PieceOffset, bytes.AsSpan(segment.PieceOffset, segment.Length));
                }
            }

            if (++written == CrashAfter)
            {
                await storage.FlushAsync(default);
                Console.WriteLine($"{written} pieces are durable. Now it dies.");
                Process.GetCurrentProcess().Kill();
            }
        }

        reader.Forget(manifest.Id);
    }

    /// <summary>Reads every file back, and gives those that are right their names.</summary>
    private static async Task<bool> FinishAsync(ITorrentStorage storage)
    {
        await storage.FlushAsync(default);
        var right = new List<int>();
        var wrong = 0;
        foreach (var file in storage.Request.Manifest.Files.Where(file => file.IsReal))
        {
            if (storage.Layout.IsComplete(storage.CopyHave()) && await storage.VerifyFileAsync(file.Index, bytesRead: null, default) == 0)
            {
                right.Add(file.Index);
            }
            else
            {
                wrong++;
            }
        }

        if (await storage.PublishFilesAsync(right, default) is { } refusal)
        {
            Console.Error.WriteLine($"Refused: {refusal.Reason} {refusal.Detail} {refusal.Path}");
            return false;
        }

        Console.WriteLine($"{right.Count} files have their names, {wrong} are not whole.");
        return wrong == 0;
    }

    private static List<IReadOnlyList<string>> NamesOf(TorrentManifest manifest) =>
        [.. manifest.Files.Select(file => file.IsReal ? file.Path : [])];
}
