using QbSync.Engine.Plans;
using QbSync.Engine.Shared;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Planning;

/// <summary>Where plans are asked for: one is made at a time, and what could not be asked is told and no exception. Thread-safe.</summary>
internal sealed class PlanDesk(PlanMaker maker, MonotonicClock clock)
{
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Runs alone with the maker.</summary>
    public async Task<T> UseAsync<T>(Func<PlanMaker, Task<T>> work, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await work(maker).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The plan of all torrents.</summary>
    /// <param name="question">What is known; its basis is null while that is nothing.</param>
    public Task<SourcePlan> PlanAsync(PlanQuestion question, CancellationToken cancellationToken) => AnswerAsync(
        question,
        async (at, basis, problem) => new SourcePlan
        {
            At = at,
            IsKnown = true,
            Problem = problem,
            Torrents = await maker.MakeAsync(basis, cancellationToken).ConfigureAwait(false),
        },
        static (at, problem) => new SourcePlan { At = at, Problem = problem },
        cancellationToken);

    /// <summary>Everything about one torrent.</summary>
    public Task<TorrentExplanation> ExplainAsync(InfoHash id, PlanQuestion question, CancellationToken cancellationToken) => AnswerAsync(
        question,
        async (at, basis, problem) =>
        {
            var told = await maker.ExplainAsync(id, basis, cancellationToken).ConfigureAwait(false);
            return new TorrentExplanation
            {
                At = at,
                IsKnown = true,
                Problem = problem,
                Torrent = told?.Line,
                Conditions = told is { } known ? [.. known.Conditions, .. question.Live] : [],
            };
        },
        static (at, problem) => new TorrentExplanation { At = at, Problem = problem },
        cancellationToken);

    private async Task<T> AnswerAsync<T>(
        PlanQuestion question, Func<DateTimeOffset, PlanBasis, string, Task<T>> make, Func<DateTimeOffset, string, T> fail, CancellationToken cancellationToken)
    {
        if (question.Basis is not { } basis)
        {
            return fail(clock.WallNow, question.Problem);
        }

        try
        {
            return await UseAsync(
                async _ =>
                {
                    try
                    {
                        return await make(clock.WallNow, basis, question.Problem).ConfigureAwait(false);
                    }
                    catch (PeerException e)
                    {
                        // What can be said without it is said.
                        return await make(clock.WallNow, basis with { IsPeerReady = false }, e.Message).ConfigureAwait(false);
                    }
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TorrentClientException or TimeoutException)
        {
            return fail(clock.WallNow, e.Message);
        }
    }
}

/// <summary>What is known when a plan is asked for.</summary>
/// <param name="Basis">Null while the client has not told what it has.</param>
/// <param name="Problem">What is wrong with client or destination; empty when nothing is.</param>
internal sealed record PlanQuestion(PlanBasis? Basis, string Problem)
{
    /// <summary>What only the engine that runs knows of the torrent that is asked for.</summary>
    public IReadOnlyList<PlanCondition> Live { get; init; } = [];
}
