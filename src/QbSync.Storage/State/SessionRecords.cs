using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Storage.State;

/// <summary>How each record of a session is written; <see cref="SessionState.Apply"/> reads the same.</summary>
internal static class SessionRecords
{
    private const int NamesPerRecord = 1000;
    private const int IdentitiesPerRecord = 100_000;

    public static void AddRequest(this RecordBatch batch, StoreRequest request)
    {
        batch.Begin(RecordType.Opened).Add(request.Source.ToByteArray());
        batch.Begin(RecordType.Peer).Add(request.Peer);
        batch.AddParameters(request.Parameters);
        batch.Begin(RecordType.Selection).Add(request.Selection.ToBytes());
        batch.Begin(RecordType.Place).Add(request.Place.Root).Add(request.Place.SubPath).Add((byte)request.Place.Layout);
        batch.AddNames(RecordType.FileNames, request.Manifest, index => request.FileNames[index]);
        batch.AddIdentities(request.Identities);
        batch.AddFilesDigest(request.FilesDigest);
    }

    /// <summary>Takes the place of all identities that were recorded before.</summary>
    public static void AddIdentities(this RecordBatch batch, IReadOnlyList<FileIdentity?> identities)
    {
        var known = new List<int>();
        for (var index = 0; index < identities.Count; index++)
        {
            if (identities[index] is not null)
            {
                known.Add(index);
            }
        }

        if (identities.Count == 0)
        {
            return;
        }

        var isFirst = true;
        foreach (var part in known.Chunk(IdentitiesPerRecord).DefaultIfEmpty([]))
        {
            batch.Begin(RecordType.Identities).Add((byte)(isFirst ? 1 : 0)).Add(part.Length);
            foreach (var index in part)
            {
                var identity = identities[index]!.Value;
                batch.Add(index).Add(identity.Device).Add(identity.Inode).Add(identity.Size).Add(identity.ModifiedNanoseconds);
            }

            isFirst = false;
        }
    }

    public static void AddFilesDigest(this RecordBatch batch, ReadOnlyMemory<byte> digest)
    {
        if (!digest.IsEmpty)
        {
            batch.Begin(RecordType.FilesDigest).Add(digest.Span);
        }
    }

    public static void AddAddedByUs(this RecordBatch batch, bool value) => batch.Begin(RecordType.AddedByUs).Add((byte)(value ? 1 : 0));

    public static void AddDeleting(this RecordBatch batch, bool keepFiles) => batch.Begin(RecordType.Deleting).Add((byte)(keepFiles ? 1 : 0));

    public static void AddContact(this RecordBatch batch, TimeSpan uncontacted) =>
        batch.Begin(RecordType.Contact).Add((long)uncontacted.TotalMilliseconds);

    public static void AddLinking(this RecordBatch batch, int fileIndex, FileRecord record) => batch.AddFile(RecordType.Linking, fileIndex, record);

    public static void AddUnpublishing(this RecordBatch batch, int fileIndex) => batch.Begin(RecordType.Unpublishing).Add(fileIndex);

    public static void AddReadBack(this RecordBatch batch, int fileIndex, DateTimeOffset at) =>
        batch.Begin(RecordType.ReadBack).Add(fileIndex).Add(at.ToUnixTimeMilliseconds());

    /// <summary>Where the files are about to go: the place and the names of the next request.</summary>
    public static void AddMoving(this RecordBatch batch, StoreRequest next) =>
        batch.AddMoving(new MoveTarget(next.Place, index => next.FileNames[index]), next.Manifest);

    /// <summary>The move is over. <paramref name="arrived"/>: place and names are the target's from here on; else the old ones still are.</summary>
    public static void AddMoved(this RecordBatch batch, bool arrived) => batch.Begin(RecordType.Moved).Add((byte)(arrived ? 1 : 0));

    public static void AddParameters(this RecordBatch batch, TorrentParameters parameters)
    {
        batch.Begin(RecordType.Parameters)
            .Add(parameters.Category)
            .Add(parameters.Tags)
            .Add(parameters.AddedAt?.ToUnixTimeMilliseconds() ?? 0)
            .Add(parameters.CompletedAt?.ToUnixTimeMilliseconds() ?? 0);
        if (parameters.Limits is var (ratio, seeding, inactive) && parameters.Limits != ShareLimits.Global)
        {
            // Left out where there are none, as journals before them did.
            batch.Add(BitConverter.DoubleToInt64Bits(ratio.ToNumber()))
                .Add(BitConverter.DoubleToInt64Bits(seeding.ToNumber()))
                .Add(BitConverter.DoubleToInt64Bits(inactive.ToNumber()));
        }
    }

    public static void AddEpoch(this RecordBatch batch, ulong epoch) => batch.Begin(RecordType.Epoch).Add(epoch);

    public static void AddFolder(this RecordBatch batch, IReadOnlyList<string> parts) => batch.Begin(RecordType.FolderCreated).Add(parts);

    public static void AddFile(this RecordBatch batch, RecordType type, int fileIndex, FileRecord record)
    {
        batch.Begin(type).Add(fileIndex);
        batch.AddRecord(record);
    }

    /// <summary>What stands for a file whose content is being hashed.</summary>
    public static void AddUnsettled(this RecordBatch batch, int fileIndex, FileRecord record)
    {
        batch.AddFile(RecordType.FileState, fileIndex, record);
        batch.Begin(RecordType.Unsettled).Add(fileIndex);
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
        batch.AddRequest(request with { Parameters = state.Parameters, Identities = state.Identities, FilesDigest = state.FilesDigest });
        batch.AddEpoch(state.Epoch);
        foreach (var folder in state.Folders)
        {
            batch.AddFolder(folder);
        }

        foreach (var (index, record) in state.Files)
        {
            batch.AddFile(RecordType.FileState, index, record);
        }

        foreach (var index in state.Unsettled)
        {
            batch.Begin(RecordType.Unsettled).Add(index);
        }

        foreach (var index in state.Publishing)
        {
            batch.AddPublishing(index);
        }

        foreach (var (index, record) in state.Linking)
        {
            batch.AddLinking(index, record);
        }

        foreach (var index in state.Unpublishing)
        {
            batch.AddUnpublishing(index);
        }

        foreach (var (index, at) in state.ReadBack)
        {
            batch.AddReadBack(index, at);
        }

        batch.AddPieces(RecordType.PiecesHeld, state.Held);
        batch.AddPieces(RecordType.PiecesVerified, state.Verified);
        if (state.Exported is { } exported)
        {
            batch.AddExported(exported.Name, exported.Record);
        }

        if (state.Moving is { } moving)
        {
            batch.AddMoving(moving, state.Manifest);
        }

        batch.AddAddedByUs(state.AddedByUs);
        batch.AddContact(state.Uncontacted);
        batch.AddPhase(state.Phase, state.Failure);
        if (state.IsDeleting)
        {
            batch.AddDeleting(state.KeepsFiles);
        }

        return batch;
    }

    /// <summary>The fields of a file's record.</summary>
    public static void AddRecord(this RecordBatch batch, FileRecord record) =>
        batch.Add((byte)record.Kind).Add(record.Device).Add(record.Inode).Add(record.Length).Add(record.ModifiedNanoseconds);

    private static void AddMoving(this RecordBatch batch, MoveTarget target, TorrentManifest manifest)
    {
        batch.Begin(RecordType.Moving).Add(target.Place.Root).Add(target.Place.SubPath).Add((byte)target.Place.Layout);
        batch.AddNames(RecordType.MovingNames, manifest, target.GetName);
    }

    /// <summary>Only names that differ from the manifest's: most torrents have none.</summary>
    private static void AddNames(this RecordBatch batch, RecordType type, TorrentManifest manifest, Func<int, IReadOnlyList<string>> getName)
    {
        var different = new List<int>();
        foreach (var file in manifest.Files)
        {
            if (file.IsReal && !getName(file.Index).SequenceEqual(file.Path, StringComparer.Ordinal))
            {
                different.Add(file.Index);
            }
        }

        foreach (var part in different.Chunk(NamesPerRecord))
        {
            batch.Begin(type).Add(part.Length);
            foreach (var index in part)
            {
                batch.Add(index).Add(getName(index));
            }
        }
    }
}
