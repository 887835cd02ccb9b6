using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Storage.State;

/// <summary>How each record of a session is written; <see cref="SessionState.Apply"/> reads the same.</summary>
internal static class SessionRecords
{
    private const int NamesPerRecord = 1000;

    public static void AddRequest(this RecordBatch batch, StoreRequest request)
    {
        batch.Begin(RecordType.Opened).Add(request.Source.ToByteArray());
        batch.AddParameters(request.Parameters);
        batch.Begin(RecordType.Selection).Add(request.Selection.ToBytes());
        batch.Begin(RecordType.Place).Add(request.Place.Root).Add(request.Place.SubPath).Add((byte)request.Place.Layout);
        batch.AddNames(request);
    }

    public static void AddParameters(this RecordBatch batch, TorrentParameters parameters) => batch.Begin(RecordType.Parameters)
        .Add(parameters.Category)
        .Add(parameters.Tags)
        .Add(parameters.AddedAt?.ToUnixTimeMilliseconds() ?? 0)
        .Add(parameters.CompletedAt?.ToUnixTimeMilliseconds() ?? 0);

    public static void AddEpoch(this RecordBatch batch, ulong epoch) => batch.Begin(RecordType.Epoch).Add(epoch);

    public static void AddFolder(this RecordBatch batch, IReadOnlyList<string> parts) => batch.Begin(RecordType.FolderCreated).Add(parts);

    public static void AddFile(this RecordBatch batch, RecordType type, int fileIndex, FileRecord record)
    {
        batch.Begin(type).Add(fileIndex);
        batch.AddRecord(record);
    }

    public static void AddPublishing(this RecordBatch batch, int fileIndex) => batch.Begin(RecordType.Publishing).Add(fileIndex);

    public static void AddExported(this RecordBatch batch, string name, FileRecord record)
    {
        batch.Begin(RecordType.Exported).Add(name);
        batch.AddRecord(record);
    }

    public static void AddPieces(this RecordBatch batch, RecordType type, PieceBitmap pieces)
    {
        if (pieces.Count > 0)
        {
            batch.Begin(type).Add(pieces);
        }
    }

    public static void AddPhase(this RecordBatch batch, StoredPhase phase, Refusal? failure)
    {
        batch.Begin(RecordType.Phase).Add((byte)phase).Add((byte)(failure is null ? 0 : 1));
        if (failure is not null)
        {
            batch.Add((int)failure.Reason).Add(failure.Detail);
        }
    }

    /// <summary>Everything that a state says, in as few records as will do.</summary>
    public static RecordBatch Snapshot(SessionState state, StoreRequest request)
    {
        var batch = new RecordBatch();
        batch.AddRequest(request with { Parameters = state.Parameters });
        batch.AddEpoch(state.Epoch);
        foreach (var folder in state.Folders)
        {
            batch.AddFolder(folder);
        }

        foreach (var (index, record) in state.Files)
        {
            batch.AddFile(RecordType.FileState, index, record);
        }

        foreach (var index in state.Publishing)
        {
            batch.AddPublishing(index);
        }

        batch.AddPieces(RecordType.PiecesHeld, state.Held);
        batch.AddPieces(RecordType.PiecesVerified, state.Verified);
        if (state.Exported is { } exported)
        {
            batch.AddExported(exported.Name, exported.Record);
        }

        batch.AddPhase(state.Phase, state.Failure);
        if (state.IsDeleting)
        {
            batch.Begin(RecordType.Deleting);
        }

        return batch;
    }

    private static void AddRecord(this RecordBatch batch, FileRecord record) =>
        batch.Add((byte)record.Kind).Add(record.Device).Add(record.Inode).Add(record.Length).Add(record.ModifiedNanoseconds);

    /// <summary>Only names that differ from the manifest's: most torrents have none.</summary>
    private static void AddNames(this RecordBatch batch, StoreRequest request)
    {
        var different = new List<int>();
        foreach (var file in request.Manifest.Files)
        {
            if (file.IsReal && !request.FileNames[file.Index].SequenceEqual(file.Path, StringComparer.Ordinal))
            {
                different.Add(file.Index);
            }
        }

        foreach (var part in different.Chunk(NamesPerRecord))
        {
            batch.Begin(RecordType.FileNames).Add(part.Length);
            foreach (var index in part)
            {
                batch.Add(index).Add(request.FileNames[index]);
            }
        }
    }
}
