namespace QbSync.Engine.Source.Handoff;

/// <summary>Why a torrent was not deleted although that was wanted.</summary>
internal enum DeleteBlock
{
    /// <summary>Nothing of this kind: it is not wanted any more, or something here has to be different first.</summary>
    None = 0,

    /// <summary>The destination does not prove that it has all of it.</summary>
    NoProof = 1,

    /// <summary>It did, too long ago or in another life.</summary>
    ProofStale = 2,

    /// <summary>It does not answer.</summary>
    DestinationUnreachable = 3,

    /// <summary>It does not seed it.</summary>
    DestinationNotSeeding = 4,

    /// <summary>Somebody else uses its files, or that is not known.</summary>
    SharedFiles = 5,

    /// <summary>No tracker takes the destination's announce.</summary>
    AnnounceRefused = 6,
}

/// <summary>What stands against a delete.</summary>
/// <param name="Text">For people.</param>
/// <param name="Block">Its kind.</param>
internal readonly record struct DeleteFault(string Text, DeleteBlock Block = DeleteBlock.None);
