using QbSync.Outcomes;

namespace QbSync.Engine.Destination;

/// <summary>What a fault of storage is to the source.</summary>
internal static class StorageFaults
{
    /// <summary>The reason that is answered.</summary>
    public static RefusalReason ToReason(this StorageFault fault) => fault switch
    {
        StorageFault.NoSpace => RefusalReason.NoSpace,
        StorageFault.Io or StorageFault.Locked or StorageFault.NewerState => RefusalReason.StorageError,
        StorageFault.NotUsable => RefusalReason.RootMissing,
        StorageFault.PathConflict => RefusalReason.PathConflict,
        StorageFault.PathRefused => RefusalReason.PathRefused,
    };
}
