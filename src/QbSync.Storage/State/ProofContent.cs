using QbSync.Ports;

namespace QbSync.Storage.State;

/// <summary>What a proof says.</summary>
/// <param name="Request">The torrent.</param>
/// <param name="Seal">What the client said.</param>
/// <param name="Incarnation">The life of the state that it was seen in.</param>
/// <param name="Epoch">The torrent's epoch.</param>
/// <param name="SealedAt">When the files were looked at.</param>
/// <param name="BytesReadBack">Bytes that were read back from disk and hashed.</param>
/// <param name="Files">The selected files.</param>
internal sealed record ProofContent(
    StoreRequest Request, SealRequest Seal, ulong Incarnation, ulong Epoch, DateTimeOffset SealedAt, long BytesReadBack, IReadOnlyList<ProofFile> Files);

/// <summary>A file in a proof.</summary>
/// <param name="Index">Place in the manifest's list.</param>
/// <param name="Path">Final name below the root.</param>
/// <param name="Record">What it was.</param>
/// <param name="ReadBackAt">When all of it was last read back; null for an empty file.</param>
internal sealed record ProofFile(int Index, string Path, FileRecord Record, DateTimeOffset? ReadBackAt);
