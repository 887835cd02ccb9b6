using QbSync.Engine.Source.Planning;
using QbSync.Engine.Source.Records;
using QbSync.Engine.Status;
using QbSync.Outcomes;

namespace QbSync.Engine.Source.Phases;

/// <summary>How the I/O of a phase ended; the loop decides what follows.</summary>
internal abstract record PhaseResult
{
    private PhaseResult()
    {
    }

    /// <summary>The destination receives the torrent.</summary>
    public sealed record Opened(TorrentContent Content, InitOutcome.Open Open) : PhaseResult;

    /// <summary>The destination is making it final already.</summary>
    public sealed record FinalizingThere(TorrentContent Content) : PhaseResult;

    /// <summary>The destination has all of it, and the record of that is durable.</summary>
    public sealed record Completed(CompletionRecord Record, FinalizeRecord Finalize, string Name, int Pieces) : PhaseResult;

    /// <summary>The destination lacks pieces.</summary>
    public sealed record Incomplete(FinalizeOutcome.Incomplete Outcome) : PhaseResult;

    /// <summary>It has to be opened anew.</summary>
    public sealed record OpenAnew(string Why) : PhaseResult;

    /// <summary>The client's words were read again.</summary>
    /// <param name="Content">What they say; null when its files are as they were.</param>
    /// <param name="SelectedSize">Bytes that the client counted as selected before the look.</param>
    public sealed record Looked(TorrentContent? Content, long SelectedSize) : PhaseResult;

    /// <summary>The client told what the user's lists need to know.</summary>
    public sealed record Inspected(TorrentTraits Traits, SyncFilter By) : PhaseResult;

    /// <summary>What was owed to the destination is delivered.</summary>
    /// <param name="WasAborted">Whether it gave something unfinished up.</param>
    /// <param name="What">What became of it there, for people.</param>
    public sealed record Delivered(bool WasAborted, string What) : PhaseResult;

    /// <summary>A start there was taken back; what the client there shows, where it was asked.</summary>
    public sealed record Withdrawn(ClientView? Seen) : PhaseResult;

    /// <summary>A tag was set and read back, or could not be.</summary>
    public sealed record Tagged(bool Done) : PhaseResult;

    /// <summary>Not now.</summary>
    public sealed record Held(WaitingReason WaitingFor, FaultClass? Fault, TimeSpan? RetryAfter, string Text) : PhaseResult
    {
        public static Held By(Refusal refusal) => new(
            FaultRules.WaitsFor(refusal.Reason), FaultRules.Classify(refusal.Reason), refusal.RetryAfter, Describe(refusal));

        public static Held By(ContentOutcome.NotReady reason) => new(reason.WaitingFor, reason.Fault, null, reason.Text);

        private static string Describe(Refusal refusal)
        {
            var what = refusal.Reason == RefusalReason.NoSpace ? "The destination's disk is full" : $"The destination answers {refusal.Reason}";
            return refusal.Detail.Length == 0 ? $"{what}." : $"{what}: {refusal.Detail}";
        }
    }

    /// <summary>Something threw.</summary>
    public sealed record Faulted(Exception Exception) : PhaseResult;
}
