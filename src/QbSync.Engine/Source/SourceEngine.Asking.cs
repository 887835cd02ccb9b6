using QbSync.Engine.Plans;
using QbSync.Engine.Source;
using QbSync.Engine.Source.Planning;
using QbSync.Torrents;

namespace QbSync.Engine;

/// <summary>What a running engine can be asked, or asked for.</summary>
public sealed partial class SourceEngine
{
    /// <summary>Tries again at once what failed or waits after a failure: its failure, its tag and its pause are cleared.</summary>
    /// <param name="id">The torrent; null for all.</param>
    /// <param name="cancellationToken">Ends the wait for the answer; the request stands.</param>
    /// <returns>How many torrents that were; null when that one is not known, or the engine does not run.</returns>
    public async Task<int?> RetryAsync(InfoHash? id, CancellationToken cancellationToken) =>
        (await AskAsync(loop => loop.RetryAsync(id), cancellationToken).ConfigureAwait(false))?.Answer;

    /// <summary>
    /// Hands one torrent over now, whether space is short or not. Else it is as any handoff: no rule is left out, and what does not go well turns back.
    /// </summary>
    /// <param name="id">The torrent.</param>
    /// <param name="cancellationToken">Ends the wait for the answer; the request stands.</param>
    /// <returns>Why that does not begin; empty when it does; null when the torrent is not known, or the engine does not run.</returns>
    public async Task<string?> HandOffAsync(InfoHash id, CancellationToken cancellationToken) =>
        (await AskAsync(loop => loop.HandOffAsync(id), cancellationToken).ConfigureAwait(false))?.Answer;

    /// <summary>What it would do with each torrent, as after a start: by the planner that it obeys.</summary>
    /// <returns>Null when it does not run.</returns>
    public Task<SourcePlan?> PlanAsync(CancellationToken cancellationToken) =>
        MakeAsync(null, static (desk, question, token) => desk.PlanAsync(question, token), cancellationToken);

    /// <summary>What it would do with one torrent, and every condition of that as it is now.</summary>
    /// <returns>Null when it does not run.</returns>
    public Task<TorrentExplanation?> ExplainAsync(InfoHash id, CancellationToken cancellationToken) =>
        MakeAsync(id, (desk, question, token) => desk.ExplainAsync(id, question, token), cancellationToken);

    /// <summary>Asks the loop; null when it does not run, or ends before it answered.</summary>
    private async Task<(SourceLoop Loop, Task Running, T Answer)?> AskAsync<T>(Func<SourceLoop, Task<T>> ask, CancellationToken cancellationToken)
    {
        if (_loop is not { } loop || _running is not { } running)
        {
            return null;
        }

        var asking = ask(loop);
        await Task.WhenAny(asking, running).WaitAsync(cancellationToken).ConfigureAwait(false);
        return asking.IsCompletedSuccessfully ? (loop, running, await asking.ConfigureAwait(false)) : null; // else it stopped meanwhile
    }

    /// <summary>Makes a plan beside the loop, and gives it up when the engine ends: then client and destination are no longer there to be asked.</summary>
    private async Task<T?> MakeAsync<T>(
        InfoHash? id, Func<PlanDesk, PlanQuestion, CancellationToken, Task<T>> make, CancellationToken cancellationToken)
        where T : class
    {
        if (await AskAsync(loop => loop.AskForPlanAsync(id), cancellationToken).ConfigureAwait(false) is not { } asked)
        {
            return null;
        }

        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var making = make(asked.Loop.Plans, asked.Answer, ends.Token);
        if (await Task.WhenAny(making, asked.Running).ConfigureAwait(false) == making)
        {
            return await making.ConfigureAwait(false);
        }

        await ends.CancelAsync().ConfigureAwait(false);
        await ((Task)making).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return null;
    }
}
