namespace QbSync.Transport.Wire;

/// <summary>Numbers that both ends of the wire agree on.</summary>
internal static class SyncLimits
{
    public const int MaxMessageReceived = 2 << 20;
    public const int MaxMessageSent = (1 << 20) + (64 << 10);

    /// <summary>Bytes of the statuses in one answer, if it has more than one: on a slow link four answers have to come within a deadline.</summary>
    public const int StatusPart = 256 << 10;

    /// <summary>Bytes of a part of an upload: on a slow link each must be taken within a deadline, beside two others.</summary>
    public const int UploadPart = 64 << 10;

    public const int MaxStatusIds = 256;
    public const int MaxText = 512;
    public const int SessionBytes = 16;
    public const int NodeIdBytes = 32;
    public const int MaxOpenTransfers = 8;

    /// <summary>A chunk weighs its payload, at least this, in windows, credit and budget.</summary>
    public const int LeastWeight = 4 << 10;

    public const string SessionKey = "qbsync-session-bin";
    public const string ReasonKey = "qbsync-reason";
    public const string HelloReason = "hello";

    public static int Weigh(int payload) => Math.Max(payload, LeastWeight);
}
