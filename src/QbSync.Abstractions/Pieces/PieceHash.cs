namespace QbSync.Pieces;

/// <summary>What a piece must hash to. A hybrid piece must match both; a v1 piece has no merkle root, a v2-only piece no SHA-1.</summary>
/// <param name="Sha1">20 bytes over the whole piece, pads as zeros; empty for v2-only (BEP 3).</param>
/// <param name="MerkleRoot">32 bytes; empty for v1, and for a piece that holds only pad bytes (BEP 52).</param>
/// <param name="MerkleBytes">Leading bytes of the piece that the merkle tree covers: those of its file, without pads.</param>
/// <param name="MerkleLeaves">Leaves of the tree below the root, missing ones being zero hashes; a power of two.</param>
public readonly record struct PieceHash(ReadOnlyMemory<byte> Sha1, ReadOnlyMemory<byte> MerkleRoot, int MerkleBytes, int MerkleLeaves);
