using QbSync.Engine.Status;
using QbSync.Ports;

namespace QbSync.Engine.Source.Planning;

/// <summary>What is to be done with a torrent next.</summary>
internal enum SyncAction
{
    /// <summary>Nothing, with the reason as what it waits for.</summary>
    Wait = 0,

    /// <summary>Ask the destination what it has.</summary>
    AskStatus,

    /// <summary>Take over what is complete there.</summary>
    Adopt,

    /// <summary>Open it there; from Discovered a transition, in Initializing the phase's work.</summary>
    Initialize,

    /// <summary>Make it final there; from Streaming a transition, in Finalizing the phase's work.</summary>
    Finalize,

    /// <summary>Go back to sending: the source is no longer complete.</summary>
    Resume,

    /// <summary>Read the client's words about it again.</summary>
    Look,

    /// <summary>Ask the client what the user's lists need to know of it.</summary>
    Inspect,

    /// <summary>A tag or a list forbids it.</summary>
    Exclude,

    /// <summary>Tell the destination to give it up.</summary>
    Abort,

    /// <summary>Nothing forbids it any more.</summary>
    Readmit,

    /// <summary>The client carries the tag of a failure.</summary>
    Fail,

    /// <summary>The user asks for another try.</summary>
    Retry,

    /// <summary>Set the tag of its state.</summary>
    Tag,

    /// <summary>Deliver to the destination what a removal owes it.</summary>
    Deliver,
}

/// <summary>A decision with its reason.</summary>
internal readonly record struct SyncDecision(SyncAction Action, WaitingReason WaitingFor = WaitingReason.None, string Reason = "");

/// <summary>What is known of a torrent when it is decided on.</summary>
internal readonly record struct SyncFacts
{
    public required TorrentSyncState State { get; init; }

    /// <summary>Null while the client does not list it.</summary>
    public ClientClass? Class { get; init; }

    /// <summary>Whether the user's tag forbids it.</summary>
    public bool IsExcluded { get; init; }

    /// <summary>What the user's lists say of it; counts until it is opened at the destination.</summary>
    public FilterVerdict Filter { get; init; }

    public bool HasFailedTag { get; init; }

    /// <summary>Whether the tag of a failure was seen on it since it failed.</summary>
    public bool FailedTagWasSeen { get; init; }

    public bool WantsTag { get; init; }

    /// <summary>Whether what failed is tried again by itself now.</summary>
    public bool IsRetryDue { get; init; }

    /// <summary>What the destination answered, if it was asked.</summary>
    public DestinationTorrentState? Answer { get; init; }

    public bool HasBytes { get; init; }

    public bool IsAllAcknowledged { get; init; }

    /// <summary>Whether it was streamed by this process, so that it can go on.</summary>
    public bool HasStream { get; init; }

    public bool IsOwedThere { get; init; }

    public bool NeedsLook { get; init; }

    public bool NeedsValidation { get; init; }

    /// <summary>Whether I/O of it is under way.</summary>
    public bool IsBusy { get; init; }

    public bool IsHeld { get; init; }

    public bool PeerReady { get; init; }

    /// <summary>Whether this process has seen all that the client lists.</summary>
    public bool ClientWasSeen { get; init; }
}

/// <summary>Facts in, decisions out: pure, so that the loop and every report of what it would do say the same.</summary>
internal static class SourcePlanner
{
    public static SyncDecision Decide(in SyncFacts facts)
    {
        if (facts is
            {
                IsExcluded: true,
                State: TorrentSyncState.Discovered or TorrentSyncState.Initializing or TorrentSyncState.Streaming or TorrentSyncState.Finalizing
                    or TorrentSyncState.Failed,
            })
        {
            return new SyncDecision(SyncAction.Exclude, Reason: "a tag forbids it");
        }

        // Set by hand in the middle: the user wants it to rest.
        if (facts is { HasFailedTag: true, State: TorrentSyncState.Initializing or TorrentSyncState.Streaming or TorrentSyncState.Finalizing })
        {
            return new SyncDecision(SyncAction.Fail, Reason: "the client shows the tag of a failure");
        }

        if (facts is { State: TorrentSyncState.Discovered, Filter.Refusal: { } refusal })
        {
            return new SyncDecision(SyncAction.Exclude, Reason: refusal);
        }

        if (facts.IsBusy || facts.IsHeld)
        {
            return default;
        }

        return facts.State switch
        {
            TorrentSyncState.Discovered => Discovered(facts),
            TorrentSyncState.Initializing => Reachable(facts) ?? new SyncDecision(SyncAction.Initialize),
            TorrentSyncState.Streaming => Streaming(facts),
            TorrentSyncState.Finalizing => Finalizing(facts),
            TorrentSyncState.Synced => Synced(facts),
            TorrentSyncState.Failed => Failed(facts),
            TorrentSyncState.Excluded => Excluded(facts),
            TorrentSyncState.Removing => facts switch
            {
                { Class: not null } => new SyncDecision(SyncAction.Readmit, Reason: "it is back"),
                // Owed since an earlier process: it may have been added again meanwhile.
                { ClientWasSeen: false } => new SyncDecision(SyncAction.Wait, WaitingReason.Client),
                { IsOwedThere: true, PeerReady: false } => new SyncDecision(SyncAction.Wait, WaitingReason.Peer),
                _ => new SyncDecision(SyncAction.Deliver),
            },
            TorrentSyncState.HandingOff or TorrentSyncState.HandedOff or TorrentSyncState.Removed => default,
        };
    }

    /// <summary>Whether a torrent that the client lists is taken up at all.</summary>
    public static bool IsEligible(ClientClass clientClass) => clientClass is ClientClass.Downloading or ClientClass.Complete;

    private static SyncDecision Discovered(in SyncFacts facts)
    {
        if (facts.HasFailedTag)
        {
            return new SyncDecision(SyncAction.Fail, Reason: "the client shows the tag of a failure");
        }

        if (facts is { Filter.NeedsTraits: true, Class: ClientClass.Downloading or ClientClass.Complete or ClientClass.PausedDownload })
        {
            return new SyncDecision(SyncAction.Inspect);
        }

        if (Reachable(facts) is { } wait)
        {
            return wait;
        }

        return (facts.Answer ?? DestinationTorrentState.Unknown) switch
        {
            DestinationTorrentState.Unknown or DestinationTorrentState.Aborting => new SyncDecision(SyncAction.AskStatus),
            DestinationTorrentState.Complete or DestinationTorrentState.HandedOff => new SyncDecision(SyncAction.Adopt),
            DestinationTorrentState.Finalizing => new SyncDecision(SyncAction.Finalize, Reason: "the destination is making it final"),
            DestinationTorrentState.Absent or DestinationTorrentState.Opening or DestinationTorrentState.Receiving or DestinationTorrentState.Failed =>
                facts.HasBytes || facts.Class == ClientClass.Complete
                    ? new SyncDecision(SyncAction.Initialize, Reason: "it has bytes to send")
                    : new SyncDecision(SyncAction.Wait, WaitingReason.Download),
        };
    }

    private static SyncDecision Streaming(in SyncFacts facts) => facts switch
    {
        { Class: ClientClass.Complete, IsAllAcknowledged: true } => new SyncDecision(SyncAction.Finalize, Reason: "every piece is acknowledged"),
        { NeedsLook: true, Class: not null } => new SyncDecision(SyncAction.Look),
        { IsAllAcknowledged: true } => new SyncDecision(SyncAction.Wait, WaitingReason.Download),
        _ => default,
    };

    private static SyncDecision Finalizing(in SyncFacts facts) => facts switch
    {
        { Class: ClientClass.Downloading or ClientClass.PausedDownload, HasStream: true } =>
            new SyncDecision(SyncAction.Resume, Reason: "the source is no longer complete"),
        _ => Reachable(facts) ?? new SyncDecision(SyncAction.Finalize),
    };

    private static SyncDecision Synced(in SyncFacts facts) => facts switch
    {
        { NeedsValidation: true, PeerReady: true } => new SyncDecision(SyncAction.AskStatus),
        { WantsTag: true, Class: not null } => new SyncDecision(SyncAction.Tag),
        { NeedsLook: true, Class: ClientClass.Complete or ClientClass.Downloading, IsExcluded: false } => new SyncDecision(SyncAction.Look),
        _ => default,
    };

    private static SyncDecision Failed(in SyncFacts facts) => facts switch
    {
        { FailedTagWasSeen: true, HasFailedTag: false, Class: not null } => new SyncDecision(SyncAction.Retry, Reason: "its tag was removed"),
        { IsRetryDue: true, Class: not null } => new SyncDecision(SyncAction.Retry, Reason: "it failed a day ago, and no tag shows that"),
        { WantsTag: true, Class: not null } => new SyncDecision(SyncAction.Tag),
        _ => default,
    };

    private static SyncDecision Excluded(in SyncFacts facts) => facts switch
    {
        { IsExcluded: false, Filter.IsRefused: false, Class: not null } => new SyncDecision(SyncAction.Readmit, Reason: "nothing forbids it any more"),
        { IsOwedThere: true, PeerReady: true } => new SyncDecision(SyncAction.Abort),
        _ => default,
    };

    /// <summary>The wait of a torrent whose client or destination is not fit to be asked now.</summary>
    private static SyncDecision? Reachable(in SyncFacts facts) => facts switch
    {
        { Class: null or ClientClass.NoMetadata or ClientClass.Busy or ClientClass.Broken } => new SyncDecision(SyncAction.Wait, WaitingReason.Client),
        { PeerReady: false } => new SyncDecision(SyncAction.Wait, WaitingReason.Peer),
        _ => null,
    };
}
