namespace QbSync.Host.Lifetime;

/// <summary>What the process ends with.</summary>
internal static class ExitCodes
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Usage = 2;
    public const int CouldNotStart = 3;

    /// <summary>The question was understood, and its answer is no.</summary>
    public const int BadAnswer = 4;

    /// <summary>The other side is not reachable.</summary>
    public const int NoPeer = 5;
    public const int ForcedByInterrupt = 130;
    public const int ForcedByTerm = 143;
}
