using QbSync.Engine.Status;

namespace QbSync.Host.Reporting;

/// <summary>What a torrent can wait for: the words of the API, and what they say to people. Pure.</summary>
internal static class WaitingWords
{
    public const string None = "none";

    /// <summary>A torrent that has not moved for so long waits for something.</summary>
    public static readonly TimeSpan Unmoved = TimeSpan.FromSeconds(10);

    /// <summary>Each word with its meaning.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } = new Dictionary<string, string>
    {
        [None] = "",
        ["download"] = "the source's client still downloads it",
        ["metadata"] = "the client has no metadata of it yet",
        ["route"] = "no path map says where its files are",
        ["window"] = "its turn on the way to the destination",
        ["rate-limit"] = "the rate limit",
        ["destination-disk"] = "the destination's disk",
        ["destination-space"] = "space at the destination",
        ["quota"] = "the quota at the destination",
        ["client"] = "the torrent client",
        ["peer"] = "the other side",
        ["breaker"] = "the torrent client, which is not called after many failures",
        ["link"] = "another torrent that brings the same file",
        ["verification"] = "the check of what arrived",
        ["backoff"] = "the next try after a failure",
        ["conflict"] = "somebody who settles a conflict",
        ["seeding-time"] = "the least time of seeding",
        ["grace"] = "the time before a delete",
        ["announce"] = "an answer of a tracker",
        ["paused"] = "somebody who starts it again",
        ["standby"] = "the other process that has its lease",
    };

    /// <summary>The word of an engine's reason.</summary>
    public static string Of(WaitingReason reason) => ShownText.ToKebab(reason.ToString());

    /// <summary>
    /// What a torrent waits for that gives no reason and has not moved for <paramref name="unmoved"/>: what its state leaves as the only thing that can hold it.
    /// </summary>
    /// <param name="state">In the engine's words, without a stage.</param>
    /// <param name="isPending">Whether anything is to happen with it.</param>
    /// <param name="isAtLimit">Whether a rate limit is used up by all torrents together.</param>
    public static string Of(WaitingReason reason, string state, bool isPending, TimeSpan unmoved, bool isAtLimit) => reason switch
    {
        not WaitingReason.None => Of(reason),
        _ when !isPending || unmoved < Unmoved => None,
        _ => state switch
        {
            "discovered" => "client",
            "streaming" => isAtLimit ? "rate-limit" : "window",
            "finalizing" or "handing-off" => "verification",
            "opening" => "destination-disk",
            _ => "peer",
        },
    };
}
