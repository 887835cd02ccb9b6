namespace QbSync.Engine.Source.Cleanup;

/// <summary>How long cleanup rests between two looks at the files of all torrents.</summary>
internal static class LookPace
{
    /// <summary>Of the time, at most one part in so many goes into looking.</summary>
    private const int Share = 20;
    private static readonly TimeSpan Hurried = TimeSpan.FromSeconds(30);

    /// <summary>While the files of a torrent are not known yet, as after a start.</summary>
    private static readonly TimeSpan Incomplete = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Calm = TimeSpan.FromMinutes(5);

    /// <summary>
    /// The pause after a look. A look at very many files must not become all that the disk does; but a disk that is about to be full is looked at again in
    /// minutes, however slow it is.
    /// </summary>
    /// <param name="took">How long the look took.</param>
    /// <param name="isHurried">Whether space is short, or torrents leave as soon as they may.</param>
    /// <param name="isIncomplete">Whether files were not known yet.</param>
    public static TimeSpan PauseAfter(TimeSpan took, bool isHurried, bool isIncomplete)
    {
        var fair = took * Share;
        return isHurried
            ? Max(isIncomplete ? Incomplete : Hurried, fair < Calm ? fair : Calm)
            : Max(Calm, fair);
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
